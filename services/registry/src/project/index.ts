export { followProjects } from './follow-projects.ts'
export { type AskProject, createWithProject, type WithProject } from './learn-project.ts'
export {
  admit,
  admitChange,
  admitPush,
  CHANGE_FACTS,
  type ChangeFacts,
  NameUnknown,
  PROJECT_FACTS,
  type ProjectFacts,
  ProjectUnknown,
} from './project.ts'
export { projectAnswers } from './project-answers.ts'
export { type ProjectStore, projectStore } from './project-store.ts'
export { purgeProjects } from './purge.ts'
export { quotaExceeded, requireRoom } from './quota.ts'
export { warnOnce } from './quota-warning.ts'
