import { randomBytes } from 'node:crypto'
import { Unavailable } from '@berth/errors'
import { silentLogger } from '@berth/runtime'
import { beforeEach, describe, expect, it } from 'vitest'
import { openKeyRing } from './key-ring.ts'
import type { KeyStore } from './key-store.ts'
import { keyStoreMemory } from './key-store-memory.ts'
import { KeyUnreadable, keySeal } from './sealed-key.ts'

const LEAD_MS = 10_000
const MINUTE = 60_000
const seal = keySeal(randomBytes(32))

let nowMs: number
let store: KeyStore

beforeEach(() => {
  nowMs = Date.parse('2026-11-04T10:00:00Z')
  store = keyStoreMemory(() => nowMs)
})

const open = (more: Partial<Parameters<typeof openKeyRing>[0]> = {}) =>
  openKeyRing({ store, seal, alg: 'ES256', log: silentLogger, leadMs: LEAD_MS, ...more })
const inMinutes = (minutes: number) => new Date(nowMs + minutes * MINUTE)

describe('the key ring', () => {
  it('makes one key for all replicas and keeps it over a restart', async () => {
    const rings = await Promise.all([open(), open()])
    const kids = await Promise.all(
      [...rings, await open()].map(async (ring) => (await ring.signingKey(inMinutes(30))).kid),
    )
    expect(new Set(kids).size).toBe(1)
  })

  it('refuses a secret key the keys were not made with', async () => {
    await open()
    await expect(open({ seal: keySeal(randomBytes(32)) })).rejects.toThrow(KeyUnreadable)
  })

  it('makes a new key when the secret key is another one, and needs the one before no longer once that signs', async () => {
    const [before, after] = [randomBytes(32), randomBytes(32)]
    const { kid: old } = await (await open({ seal: keySeal(before) })).signingKey(inMinutes(30))
    const rings = [await open({ seal: keySeal(after, before) }), await open({ seal: keySeal(after, before) })]
    expect(rings[1]?.publicKeys().length).toBe(2)
    nowMs += LEAD_MS
    for (const ring of rings) await ring.refresh()
    const kids = await Promise.all(rings.map(async (ring) => (await ring.signingKey(inMinutes(30))).kid))
    expect(new Set(kids).size).toBe(1)
    expect(kids[0]).not.toBe(old)
    const alone = await open({ seal: keySeal(after) })
    expect((await alone.signingKey(inMinutes(30))).kid).toBe(kids[0])
    expect(alone.publicKeys().map(({ kid }) => kid)).toContain(old)
  })

  it('keeps no private key in the open', async () => {
    const ring = await open()
    const { privateKey } = await ring.signingKey(inMinutes(1))
    const [stored] = await store.list()
    const der = privateKey.export({ type: 'pkcs8', format: 'der' })
    expect(stored!.sealedPrivate!.includes(der.subarray(-32))).toBe(false)
    expect(ring.publicKeys().every((key) => !('d' in key))).toBe(true)
  })

  it('announces a new key before it signs, and lets the old one verify until its last token has expired', async () => {
    const [ring, other] = [await open(), await open()]
    const { kid: old } = await ring.signingKey(inMinutes(30))
    const fresh = await ring.rotate()
    await other.refresh()
    expect(other.publicKeys().map(({ kid }) => kid)).toEqual([fresh, old])
    expect((await other.signingKey(inMinutes(30))).kid).toBe(old)

    nowMs += LEAD_MS
    await other.refresh()
    expect((await other.signingKey(inMinutes(30))).kid).toBe(fresh)
    expect(other.publicKeys().map(({ kid }) => kid)).toEqual([fresh, old])

    nowMs += 60 * MINUTE
    await other.refresh()
    expect(other.publicKeys().map(({ kid }) => kid)).toEqual([fresh])
  })

  it('signs nothing with an old key that would outlive the promise made for it', async () => {
    const [ring, slow] = [await open(), await open()]
    await slow.signingKey(inMinutes(30))
    const fresh = await ring.rotate()
    nowMs += LEAD_MS + 40 * MINUTE
    // It has not read the keys since, and its promise does not reach that far.
    expect((await slow.signingKey(inMinutes(30))).kid).toBe(fresh)
  })

  it('answers the key that is about to take over when asked to rotate again', async () => {
    const ring = await open()
    expect(await ring.rotate()).toBe(await ring.rotate())
  })

  it('makes a new key when the algorithm changes', async () => {
    const { kid: old } = await (await open()).signingKey(inMinutes(30))
    const changed = await open({ alg: 'RS256' })
    expect(changed.publicKeys().map(({ alg }) => alg)).toEqual(['RS256', 'ES256'])
    expect((await changed.signingKey(inMinutes(30))).kid).toBe(old)
    nowMs += LEAD_MS
    await changed.refresh()
    expect((await changed.signingKey(inMinutes(30))).alg).toBe('RS256')
  })

  it('goes on signing for as long as it has promised while the store is away', async () => {
    let isAway = false
    const away = new Unavailable('the database cannot be reached')
    const flaky: KeyStore = {
      ...store,
      extend: (id, until) => (isAway ? Promise.reject(away) : store.extend(id, until)),
    }
    const ring = await open({ store: flaky })
    await ring.signingKey(inMinutes(30))
    isAway = true
    await expect(ring.signingKey(inMinutes(40))).resolves.toHaveProperty('kid')
    await expect(ring.signingKey(inMinutes(60))).rejects.toThrow(Unavailable)
    isAway = false
    await expect(ring.signingKey(inMinutes(60))).resolves.toHaveProperty('kid')
  })
})
