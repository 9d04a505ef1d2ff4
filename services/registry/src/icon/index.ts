export { iconAnswers } from './icon-answers.ts'
