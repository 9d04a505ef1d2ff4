import type { PublicKey } from '@berth/types'
import type { TokenAlg } from './new-key.ts'

/** A signing key as it is kept. Of all keys whose time to sign has come, the newest signs; the others only verify. */
export interface StoredKey {
  id: number
  kid: string
  alg: TokenAlg
  publicJwk: PublicKey
  /** Absent once a newer key signs: what only verifies needs no private half. */
  sealedPrivate?: Buffer
  /** Whether this is the one that signs now. */
  signs: boolean
  /** No token it signed expires later; raised before such a token is signed. */
  signedUntil: Date
}

export interface OfferedKey {
  kid: string
  alg: TokenAlg
  publicJwk: PublicKey
  sealedPrivate: Buffer
}

export interface KeyStore {
  /** Every key a token that has not expired may be signed with, the newest first. */
  list(): Promise<StoredKey[]>
  /**
   * Adds a key, unless another replica was quicker: when one still waits for its time to sign, or, without `replace`,
   * when the newest is of the same algorithm. The first key signs at once, later ones after `leadMs`, by when every
   * replica has heard of them.
   *
   * @returns the `kid` that signs from now on or next
   */
  offer(key: OfferedKey, options: { replace: boolean; leadMs: number }): Promise<string>
  /**
   * Promises that nothing this key signs will expire after `until`.
   *
   * @returns false when a newer key signs by now: nothing more may be signed with this one
   */
  extend(id: number, until: Date): Promise<boolean>
  /** Forgets the private halves of keys that no longer sign, and whole keys nobody needs any more. */
  tidy(): Promise<void>
}

/** Verifiers allow this much for clocks that differ. */
export const LEEWAY_MS = 60_000
