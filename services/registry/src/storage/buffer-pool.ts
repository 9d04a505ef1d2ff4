const KEPT = 64

/** The size of every buffer: what is written to the storage, or read from it, at once. */
export const BUFFER_BYTES = 256 * 1024

const free: Buffer[] = []

/**
 * A buffer of {@link BUFFER_BYTES} for bytes on their way through. A new one for each chunk would outlive the young
 * generation, and clearing it away costs more than moving the bytes.
 */
export function takeBuffer(): Buffer {
  return free.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES)
}

/** Gives a buffer back that nobody reads or writes any more. */
export function giveBuffer(buffer: Buffer): void {
  if (free.length < KEPT) free.push(buffer)
}
