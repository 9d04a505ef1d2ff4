export { Claims, findAccess, ISSUER, MAX_LIFETIME_SECONDS, REGISTRY_AUDIENCE, SUITE_AUDIENCE } from './claims.ts'
export { formatScope, parseScopes } from './scope.ts'
export { createVerifier, TokenInvalid, type TokenVerifier } from './verifier.ts'
