import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { PublicKey } from '@berth/types'
import { fingerprintOf } from './fingerprint.ts'

export const ALGORITHMS = ['RS256', 'ES256'] as const
export type TokenAlg = (typeof ALGORITHMS)[number]

/** A key pair nobody knows yet. */
export interface NewKey {
  kid: string
  alg: TokenAlg
  publicJwk: PublicKey
  privateKey: KeyObject
}

const generate = promisify(generateKeyPair)

/** RSA of 2048 bits for RS256, P-256 for ES256. */
export async function makeKey(alg: TokenAlg): Promise<NewKey> {
  const pair =
    alg === 'RS256' ? await generate('rsa', { modulusLength: 2048 }) : await generate('ec', { namedCurve: 'P-256' })
  const kid = fingerprintOf(pair.publicKey)
  const publicJwk = { ...pair.publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } as PublicKey
  return { kid, alg, publicJwk, privateKey: pair.privateKey }
}
