export { watchHealth } from './health.ts'
export { createPool, type Pool } from './pool.ts'
export type { Upstream, UpstreamAddress } from './upstream.ts'
