import { setTimeout as sleep } from 'node:timers/promises'
import { isPassing, translated } from './s3-failure.ts'

const ATTEMPTS = 6
const FIRST_MS = 50
const LONGEST_MS = 3_000

/** How long to wait after the n-th failure, from 1: anything up to a bound that doubles, so that callers spread out. */
export function pauseAfter(failures: number, random: () => number = Math.random): number {
  return Math.ceil(Math.min(LONGEST_MS, FIRST_MS * 2 ** failures) * random())
}

/**
 * Does `work` again after failures that pass.
 *
 * @throws {BytesMissing} what it is about is not there @throws {StorageFull} @throws {StorageAway} everything else
 */
export async function withRetries<T>(work: () => Promise<T>, attempts: number = ATTEMPTS): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work()
    } catch (err) {
      if (failures === attempts || !isPassing(err)) throw translated(err)
      await sleep(pauseAfter(failures))
    }
  }
}
