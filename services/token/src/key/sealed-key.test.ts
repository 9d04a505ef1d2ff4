import { createPublicKey, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fingerprintOf } from './fingerprint.ts'
import { makeKey } from './new-key.ts'
import { KeyUnreadable, keySeal } from './sealed-key.ts'

describe('a sealed key', () => {
  it('opens with the secret key and the name it was sealed with, and not otherwise', async () => {
    const secret = randomBytes(32)
    const { privateKey, kid } = await makeKey('ES256')
    const sealed = keySeal(secret).seal(privateKey, kid)
    expect(keySeal(secret).open(sealed, kid).equals(privateKey)).toBe(true)
    expect(() => keySeal(randomBytes(32)).open(sealed, kid)).toThrow(KeyUnreadable)
    expect(() => keySeal(secret).open(sealed, `${kid}x`)).toThrow(KeyUnreadable)
    const bent = Buffer.from(sealed)
    bent[20]! ^= 1
    expect(() => keySeal(secret).open(bent, kid)).toThrow(KeyUnreadable)
    expect(() => keySeal(secret).open(Buffer.alloc(3), kid)).toThrow(KeyUnreadable)
  })
})

describe('a fingerprint', () => {
  it('is the one libtrust gives', () => {
    // Worked out with `openssl pkey -outform DER | sha256sum | cut -c1-60 | xxd -r -p | base32`.
    const pem = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKmXo8s/nYAnq03XZviJxNgy8K6hF
Jy9PJsyq2NL+ZK4/h0iRexYCu48fmvznulPpRGbVUG/chiaSEkKdXdnBcg==
-----END PUBLIC KEY-----`
    const name = 'ECPR:XHHY:7RRB:P6L2:LOXZ:ZABG:O5HJ:OHKU:F7FK:K4UG:VIGX:OPGC'
    expect(fingerprintOf(createPublicKey(pem))).toBe(name)
  })
})
