export { findDn, leafOf } from './dn.ts'
export { createIdentities, type Identities } from './identities.ts'
export type { ExternalPerson } from './identity.ts'
