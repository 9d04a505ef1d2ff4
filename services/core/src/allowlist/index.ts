export { type Allowlist, type AllowlistText, parseAllowlist, RawAllowlist, toAllowlistBody } from './allowlist.ts'
export { allowlistRoutes } from './allowlist-routes.ts'
export { createSuiteAllowlist } from './allowlist-service.ts'
export { allowlistStore } from './allowlist-store.ts'
