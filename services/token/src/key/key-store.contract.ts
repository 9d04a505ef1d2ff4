import { expect, it } from 'vitest'
import type { KeyStore, OfferedKey } from './key-store.ts'

let made = 0
function key(alg: OfferedKey['alg'] = 'RS256'): OfferedKey {
  const kid = `KEY${made++}`
  return { kid, alg, publicJwk: { kid, kty: 'RSA', alg, use: 'sig' }, sealedPrivate: Buffer.from(kid) }
}

const soon = (ms: number) => new Date(Date.now() + ms)
const now = { replace: true, leadMs: 0 }

/** What every store of keys promises; `open` answers an empty one. */
export function keyStoreContract(open: () => Promise<KeyStore>): void {
  it('lets the first key sign at once', async () => {
    const store = await open()
    const first = key()
    expect(await store.offer(first, { replace: false, leadMs: 60_000 })).toBe(first.kid)
    const [stored] = await store.list()
    expect(stored).toMatchObject({ kid: first.kid, alg: 'RS256', publicJwk: first.publicJwk, signs: true })
    expect(stored?.sealedPrivate?.equals(first.sealedPrivate)).toBe(true)
  })

  it('keeps the key another replica was quicker with', async () => {
    const store = await open()
    const [one, two] = [key(), key()]
    const kids = await Promise.all([one, two].map((each) => store.offer(each, { replace: false, leadMs: 0 })))
    expect(new Set(kids).size).toBe(1)
    expect(await store.list()).toHaveLength(1)
  })

  it('takes a key of another algorithm', async () => {
    const store = await open()
    await store.offer(key('RS256'), { replace: false, leadMs: 0 })
    const other = key('ES256')
    expect(await store.offer(other, { replace: false, leadMs: 0 })).toBe(other.kid)
    expect((await store.list()).map(({ kid, signs }) => [kid, signs])[0]).toEqual([other.kid, true])
  })

  it('lists a new key before it signs, and takes no third meanwhile', async () => {
    const store = await open()
    const [first, second] = [key(), key()]
    await store.offer(first, now)
    await store.offer(second, { replace: true, leadMs: 60_000 })
    expect(await store.offer(key(), { replace: true, leadMs: 60_000 })).toBe(second.kid)
    expect((await store.list()).map(({ kid, signs }) => [kid, signs])).toEqual([
      [second.kid, false],
      [first.kid, true],
    ])
  })

  it('promises for the key that signs alone, and only ever further', async () => {
    const store = await open()
    await store.offer(key(), now)
    const [first] = await store.list()
    expect(await store.extend(first!.id, soon(100_000))).toBe(true)
    expect(await store.extend(first!.id, soon(50_000))).toBe(true)
    expect((await store.list())[0]!.signedUntil.getTime()).toBeGreaterThan(Date.now() + 90_000)
    await store.offer(key(), now)
    expect(await store.extend(first!.id, soon(200_000))).toBe(false)
  })

  it('forgets the private half of what only verifies, and the whole when no token of it is left', async () => {
    const store = await open()
    const [spent, needed, signing] = [key(), key(), key()]
    await store.offer(spent, now)
    const [first] = await store.list()
    await store.extend(first!.id, soon(-61_000))
    await store.offer(needed, now)
    const second = (await store.list()).find(({ kid }) => kid === needed.kid)
    await store.extend(second!.id, soon(30_000))
    await store.offer(signing, now)
    await store.tidy()
    const left = await store.list()
    expect(left.map(({ kid, sealedPrivate }) => [kid, sealedPrivate !== undefined])).toEqual(
      expect.arrayContaining([
        [signing.kid, true],
        [needed.kid, false],
      ]),
    )
  })
}
