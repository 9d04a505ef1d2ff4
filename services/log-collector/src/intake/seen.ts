/** Numbers that are missing between those seen, both ends counted in. */
export interface Gap {
  from: number
  to: number
  /** Number in the stream of the message that showed the gap. */
  shownBy: number
  /** When it was noticed, in milliseconds. */
  atMs: number
}

/** Which numbers of a counted row have been seen: all from `first` to `last` but those in the gaps, oldest gap first. */
export interface Seen {
  first: number
  last: number
  gaps: Gap[]
}

export function seenFirst(number: number): Seen {
  return { first: number, last: number, gaps: [] }
}

/**
 * Notes a number.
 *
 * @returns false when it had been seen before
 */
export function takeNumber(seen: Seen, number: number, notice: Pick<Gap, 'shownBy' | 'atMs'>): boolean {
  if (number > seen.last) {
    if (number > seen.last + 1) seen.gaps.push({ from: seen.last + 1, to: number - 1, ...notice })
    seen.last = number
    return true
  }
  if (number < seen.first) {
    if (number < seen.first - 1) seen.gaps.unshift({ from: number + 1, to: seen.first - 1, ...notice })
    seen.first = number
    return true
  }
  const at = seen.gaps.findIndex((gap) => gap.from <= number && number <= gap.to)
  const gap = seen.gaps[at]
  if (!gap) return false
  const rest = [
    { ...gap, to: number - 1 },
    { ...gap, from: number + 1 },
  ].filter(({ from, to }) => from <= to)
  seen.gaps.splice(at, 1, ...rest)
  return true
}

export function sizeOf(gaps: readonly Gap[]): number {
  return gaps.reduce((sum, { from, to }) => sum + to - from + 1, 0)
}
