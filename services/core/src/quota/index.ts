export { quotaRoutes } from './quota-routes.ts'
export { createQuotas } from './quota-service.ts'
export { createQuotaSwitch, type QuotaSwitch, startQuotaSwitch } from './quota-switch.ts'
