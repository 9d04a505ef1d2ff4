export { type KeyRing, openKeyRing, type SigningKey } from './key-ring.ts'
export { keyStorePg } from './key-store-pg.ts'
export { ALGORITHMS, type TokenAlg } from './new-key.ts'
export { keySeal } from './sealed-key.ts'
