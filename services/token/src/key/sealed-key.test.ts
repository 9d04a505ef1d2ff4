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

  it('opens with the secret key before this one, and is known to be of that one', async () => {
    const [before, after] = [randomBytes(32), randomBytes(32)]
    const { privateKey, kid } = await makeKey('ES256')
    const old = keySeal(before).seal(privateKey, kid)
    const changing = keySeal(after, before)
    expect(changing.open(old, kid).equals(privateKey)).toBe(true)
    expect(changing.isCurrent(old, kid)).toBe(false)
    const fresh = changing.seal(privateKey, kid)
    expect(changing.isCurrent(fresh, kid)).toBe(true)
    expect(keySeal(after).open(fresh, kid).equals(privateKey)).toBe(true)
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
