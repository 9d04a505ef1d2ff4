import { giveBack } from '@berth/runtime'

/** What is written to the storage, or read from it, at once. */
const LARGE_BYTES = 512 * 1024
const SMALL_BYTES = 64 * 1024
/** Slow clients may hold so many at once; further transfers do with small ones. */
const MAX_LARGE = 128
const KEPT = 16

const free: Buffer[] = []
let out = 0

/**
 * A buffer for bytes on their way through: 512 KiB, or when 64 MiB of those are in use 64 KiB. A new one for each chunk
 * would outlive the young generation, and clearing it away costs more than moving the bytes. Everyone is given back or
 * dropped.
 */
export function takeBuffer(): Buffer {
  if (out >= MAX_LARGE) return Buffer.allocUnsafeSlow(SMALL_BYTES)
  out++
  return free.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES)
}

/** Gives a buffer back that nobody reads or writes any more. */
export function giveBuffer(buffer: Buffer): void {
  if (buffer.length < LARGE_BYTES) giveBack(buffer)
  else {
    out--
    if (free.length < KEPT) free.push(buffer)
  }
}

/** Lets go of a buffer somebody else may still be reading. */
export function dropBuffer(buffer: Buffer): void {
  if (buffer.length === LARGE_BYTES) out--
}
