export { quotaRoutes } from './quota-routes.ts'
export { createQuotas } from './quota-service.ts'
