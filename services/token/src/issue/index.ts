export { createIssuer, type Issuer } from './issuer.ts'
export { createSigner } from './signer.ts'
export { createTokenDoor, operationOf } from './token-door.ts'
