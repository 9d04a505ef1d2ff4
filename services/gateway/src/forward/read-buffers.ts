/** Of one read from a service: at this size the processor time of a GiB is a third of what it is at 64 KiB. */
const LARGE_BYTES = 512 * 1024
export const SMALL_BYTES = 16 * 1024
/** Slow clients may hold so many at once; further transfers do with small ones. */
const MAX_LARGE = 128
const MAX_SPARE = 8

const spare: Buffer[] = []
let out = 0

/** The buffer each connection to a service has for itself: heads and small bodies. */
export function ownBuffer(): Buffer {
  return Buffer.allocUnsafeSlow(SMALL_BYTES)
}

/** A large buffer, to be given back; `undefined` when as many as may be are in use. */
export function takeLarge(): Buffer | undefined {
  if (out >= MAX_LARGE) return undefined
  out++
  return spare.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES)
}

/** @param isSent false: the kernel may still read from it, so it is left to the collector */
export function giveLarge(buffer: Buffer, isSent: boolean): void {
  out--
  if (isSent && spare.length < MAX_SPARE) spare.push(buffer)
}
