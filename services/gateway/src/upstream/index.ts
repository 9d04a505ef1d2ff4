export { watchHealth } from './health.ts'
export { createPool, type Pool } from './pool.ts'
export { isReachable, type Upstream, type UpstreamAddress } from './upstream.ts'
