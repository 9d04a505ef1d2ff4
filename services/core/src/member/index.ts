export { createFindEntity } from './member-entity.ts'
export { memberRoutes } from './member-routes.ts'
export { createMembers } from './member-service.ts'
export { memberStore } from './member-store.ts'
