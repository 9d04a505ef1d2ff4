export { createEgress, type Egress, type Peer, type TlsPeer } from './egress.ts'
export type { GuardedFetch, GuardedFetchOptions } from './guarded-fetch.ts'
export { EgressFailed, EgressRefused } from './refusals.ts'
export { type EgressSettings, egressSettings } from './settings.ts'
