/** Chance that is the same each time: numbers from a seed (mulberry32). */
export interface Random {
  /** From 0, below `bound`. */
  below(bound: number): number
  pick<T>(of: readonly T[]): T
  /** True so many times out of a hundred. */
  percent(chance: number): boolean
  /** Another one, for somebody who takes turns at a time of their own. */
  fork(): Random
}

export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const random: Random = {
    below: (bound) => Math.floor(next() * bound),
    pick: (of) => {
      const picked = of[random.below(of.length)]
      if (picked === undefined) throw new Error('nothing to pick from')
      return picked
    },
    percent: (chance) => next() * 100 < chance,
    fork: () => randomFrom(Math.floor(next() * 2 ** 32)),
  }
  return random
}
