import { createHash } from 'node:crypto'
import type { LogLine } from '@berth/types'

/** Remembers which lines have been shown, so that windows of time may overlap. */
export interface Tail {
  /** The lines not seen before, the oldest first. */
  take(lines: readonly LogLine[]): LogLine[]
  /** Forgets what is older: nobody will ask for it again. */
  forgetBefore(time: number): void
  readonly size: number
}

export function createTail(): Tail {
  const seen = new Map<string, number>()
  return {
    take(lines) {
      const fresh = lines.filter((line) => {
        const key = keyOf(line)
        if (seen.has(key)) return false
        seen.set(key, Date.parse(line.timestamp))
        return true
      })
      return oldestFirst(fresh)
    },
    forgetBefore(time) {
      for (const [key, at] of seen) if (at < time) seen.delete(key)
    },
    get size() {
      return seen.size
    },
  }
}

/** By time; lines of one process and the same moment in the order they were said. */
export function oldestFirst(lines: readonly LogLine[]): LogLine[] {
  return lines.toSorted(
    (a, b) =>
      Date.parse(a.timestamp) - Date.parse(b.timestamp) ||
      (a.instance ?? '').localeCompare(b.instance ?? '') ||
      (a.seq ?? 0) - (b.seq ?? 0),
  )
}

/** Lines are numbered per process; those of Postgres and nats-server may not be, and are known by all they say. */
function keyOf(line: LogLine): string {
  if (line.instance !== undefined && line.seq !== undefined) return `${line.instance} ${line.seq}`
  return createHash('sha256').update(JSON.stringify(line)).digest('base64')
}
