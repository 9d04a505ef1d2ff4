export { verdictAnswers } from './verdict-answers.ts'
