export { type OidcPerson, oidcStore } from './oidc-store.ts'
export { findSecret, PURPOSE } from './purposes.ts'
export { oidcPlaces } from './sealed-places.ts'
export { wireOidc } from './wire-oidc.ts'
