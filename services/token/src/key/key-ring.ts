import type { KeyObject } from 'node:crypto'
import { Unavailable } from '@berth/errors'
import type { Logger } from '@berth/runtime'
import type { PublicKey } from '@berth/types'
import type { KeyStore, StoredKey } from './key-store.ts'
import { makeKey, type TokenAlg } from './new-key.ts'
import type { KeySeal } from './sealed-key.ts'

/** By then every replica has read the keys again, so whoever is asked knows the key a token is signed with. */
const LEAD_MS = 10_000
/** A promise covers this much more than the token it is made for, so it is made a few times an hour. */
const SLACK_MS = 15 * 60_000
const EARLY_MS = 5 * 60_000

export interface SigningKey {
  kid: string
  alg: TokenAlg
  privateKey: KeyObject
}

export interface KeyRing {
  /** What tokens are verified with, the newest first. */
  publicKeys(): PublicKey[]
  /**
   * The key to sign a token with that expires at `expiresAt`.
   *
   * @throws {Unavailable} there is none, or Postgres is away for so long that its use cannot be written down
   */
  signingKey(expiresAt: Date): Promise<SigningKey>
  /** Makes a new key, or answers the one that is about to take over. */
  rotate(): Promise<string>
  /** Reads the keys again: what another replica made is known from then on. */
  refresh(): Promise<void>
}

interface HeldKey extends SigningKey {
  id: number
  signedUntilMs: number
}

/**
 * Opens the signing keys, making the first one. A changed algorithm makes a new key, and so does a changed secret key.
 *
 * @throws {KeyUnreadable} the secret key is not the one the keys were made with
 */
export async function openKeyRing(options: {
  store: KeyStore
  seal: KeySeal
  alg: TokenAlg
  log: Logger
  leadMs?: number
}): Promise<KeyRing> {
  const { store, seal, alg, log, leadMs = LEAD_MS } = options
  let known: StoredKey[] = []
  let current: HeldKey | undefined
  const promising = new Map<number, Promise<boolean>>()

  async function refresh(): Promise<void> {
    known = await store.list()
    const signing = known.find((key) => key.signs)
    if (signing?.sealedPrivate && signing.id !== current?.id) {
      const privateKey = seal.open(signing.sealedPrivate, signing.kid)
      current = { id: signing.id, kid: signing.kid, alg: signing.alg, privateKey, signedUntilMs: 0 }
      log.info('signing with this key from now on', { kid: signing.kid })
    }
    if (signing && current?.id === signing.id) {
      current.signedUntilMs = Math.max(current.signedUntilMs, signing.signedUntil.getTime())
    }
    if (known.some((key) => key.id < (signing?.id ?? 0) && key.sealedPrivate)) await store.tidy()
  }

  async function offer(replace: boolean): Promise<string> {
    const { privateKey, ...made } = await makeKey(alg)
    const sealedPrivate = seal.seal(privateKey, made.kid)
    const kid = await store.offer({ ...made, sealedPrivate }, { replace, leadMs })
    if (kid === made.kid) log.info('made a signing key', { kid, alg })
    await refresh()
    return kid
  }

  /** One promise at a time for each key; whoever waits meanwhile shares it. */
  function promise(key: HeldKey, untilMs: number): Promise<boolean> {
    const running = promising.get(key.id)
    if (running) return running
    const made = store
      .extend(key.id, new Date(untilMs))
      .then((held) => {
        if (held) key.signedUntilMs = Math.max(key.signedUntilMs, untilMs)
        return held
      })
      .finally(() => promising.delete(key.id))
    promising.set(key.id, made)
    return made
  }

  async function signingKey(expiresAt: Date): Promise<SigningKey> {
    const wanted = expiresAt.getTime()
    for (let tries = 0; tries < 3; tries++) {
      const key = current
      if (!key) break
      if (wanted + EARLY_MS <= key.signedUntilMs) return key
      if (wanted <= key.signedUntilMs) {
        promise(key, wanted + SLACK_MS).catch((err) => log.warn('cannot write down the use of a key yet', { err }))
        return key
      }
      if (!(await promise(key, wanted + SLACK_MS))) await refresh()
    }
    throw new Unavailable('there is no key to sign with')
  }

  await refresh()
  if (known[0]?.alg !== alg) await offer(false)
  const [newest] = known
  if (newest?.sealedPrivate && !seal.isCurrent(newest.sealedPrivate, newest.kid)) await offer(true)
  for (const { sealedPrivate, kid } of known) if (sealedPrivate) seal.open(sealedPrivate, kid)
  return { publicKeys: () => known.map((key) => key.publicJwk), signingKey, rotate: () => offer(true), refresh }
}
