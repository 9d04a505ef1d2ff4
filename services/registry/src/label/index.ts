export { labelAnswers } from './label-answers.ts'
