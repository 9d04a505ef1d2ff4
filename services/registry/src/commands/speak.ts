import type { CommandLine, CommandProgress } from '@berth/types'

const EVERY_MS = 200

/** Writes the lines of a command to stdout: progress not more often than a person can follow it. */
export function speaker(write: (text: string) => void = (text) => void process.stdout.write(text)) {
  const line = (one: CommandLine) => write(`${JSON.stringify(one)}\n`)
  let saidAt = Number.NEGATIVE_INFINITY
  return {
    line,
    progress: (progress: CommandProgress) => {
      const now = performance.now()
      if (now - saidAt < EVERY_MS) return
      saidAt = now
      line({ progress })
    },
  }
}
