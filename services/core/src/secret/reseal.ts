import type { Queries } from '@berth/db'
import type { Logger } from '@berth/runtime'
import { type Seal, SecretUnreadable } from './seal.ts'

const BATCH = 200

/** A column with sealed texts in it. */
export interface SealedPlace {
  /** A word for the log: `identities`. */
  name: string
  /** Rows behind `after` whose sealed text does not begin with `mark`, by id, at most `limit`. */
  stale(db: Queries, mark: string, after: string, limit: number): Promise<SealedText[]>
  /** Puts `sealed` where `before` still stands. */
  replace(db: Queries, id: string, before: string, sealed: string): Promise<void>
}

interface SealedText {
  id: string
  sealed: string
  /** What it was closed for. */
  purpose: string
}

/**
 * Closes under the current secret key whatever was closed under the one before. What neither opens stays as it is and
 * is told.
 *
 * @returns how many were closed anew
 */
export async function reseal(db: Queries, seal: Seal, places: readonly SealedPlace[], log: Logger): Promise<number> {
  let total = 0
  for (const place of places) {
    const { done, unreadable } = await resealPlace(db, seal, place)
    total += done
    if (done > 0) log.info('secrets closed under the new secret key', { place: place.name, secrets: done })
    if (unreadable > 0) {
      log.error('secrets cannot be opened; is BERTH_SECRET_KEY_PREVIOUS set?', { place: place.name, unreadable })
    }
  }
  return total
}

async function resealPlace(db: Queries, seal: Seal, place: SealedPlace): Promise<{ done: number; unreadable: number }> {
  let done = 0
  let unreadable = 0
  for (let after = ''; ; ) {
    const rows = await place.stale(db, seal.mark, after, BATCH)
    for (const { id, sealed, purpose } of rows) {
      const secret = findSecret(seal, sealed, purpose)
      if (secret === undefined) {
        unreadable++
      } else {
        await place.replace(db, id, sealed, seal.close(secret, purpose))
        done++
      }
    }
    const last = rows.at(-1)
    if (!last || rows.length < BATCH) return { done, unreadable }
    after = last.id
  }
}

function findSecret(seal: Seal, sealed: string, purpose: string): string | undefined {
  try {
    return seal.open(sealed, purpose)
  } catch (err) {
    if (err instanceof SecretUnreadable) return undefined
    throw err
  }
}
