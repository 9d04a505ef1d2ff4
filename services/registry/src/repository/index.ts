export { repositoryAnswers } from './repository-answers.ts'
export { type RepositoryStore, repositoryStore } from './repository-store.ts'
