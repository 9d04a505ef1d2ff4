export { immutableRoutes } from './immutable-routes.ts'
export { createImmutableRules } from './immutable-service.ts'
