import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { PublicKey } from '@berth/types'

export interface TokenMint {
  /** What the tokens verify with. */
  keys: PublicKey[]
  /** A token as the token service signs them, five minutes long; `claims` overrides and adds. */
  mint(claims?: Record<string, unknown>): string
}

/** Signs tokens with a key of its own, for tests of whoever verifies them. */
export function createTokenMint(): TokenMint {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const kid = randomBytes(8).toString('hex')
  const header = { alg: 'ES256', typ: 'JWT', kid }
  return {
    keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' } as PublicKey],
    mint(claims = {}) {
      const iat = Math.floor(Date.now() / 1000)
      const usual = { iss: 'harbor-token-issuer', aud: ['berth', 'harbor-registry'], sub: 'somebody', access: [] }
      const times = { exp: iat + 300, nbf: iat, iat, jti: randomBytes(12).toString('base64url') }
      const parts = [header, { ...usual, ...times, ...claims }]
      const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
      const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      return `${text}.${signature.toString('base64url')}`
    },
  }
}
