export { createKeyring, type Keyring, keyPlace } from './keyring.ts'
export { reseal, type SealedPlace } from './reseal.ts'
export { createSeal, type Seal } from './seal.ts'
