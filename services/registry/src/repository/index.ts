export { repositoryAnswers } from './repository-answers.ts'
export { repositoryStore } from './repository-store.ts'
