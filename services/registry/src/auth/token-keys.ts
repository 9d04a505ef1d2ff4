import type { Logger } from '@berth/runtime'
import type { PublicKey } from '@berth/types'

/**
 * The keys tokens are verified with, asked for now, so that they are here when the token service or the way to it is
 * not. What was learnt last is good for as long as nothing newer can be had.
 */
export function tokenKeys(ask: () => Promise<PublicKey[]>, log: Logger): () => Promise<PublicKey[]> {
  let known: PublicKey[] | undefined

  async function keys(): Promise<PublicKey[]> {
    try {
      known = await ask()
    } catch (err) {
      if (known === undefined) throw err
    }
    return known
  }

  keys().catch((err) => log.warn('the keys of the token service cannot be had yet', { err }))
  return keys
}
