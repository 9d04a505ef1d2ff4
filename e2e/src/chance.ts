import { createHash } from 'node:crypto'

/** Numbers from 0 up to, but not including, `below`: the same ones for the same seed. */
export function chance(seed: string): (below: number) => number {
  let count = 0
  return (below) => {
    count += 1
    const word = createHash('sha256').update(`${seed}/${count}`).digest().readUIntBE(0, 6)
    return word % below
  }
}
