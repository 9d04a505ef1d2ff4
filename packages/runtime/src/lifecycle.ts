import type { Logger } from './log.ts'

export interface Lifecycle {
  /** False from the moment stopping begins; readiness says so. */
  readonly running: boolean
  /** Registers how to close what was just opened. Last opened, first closed. */
  onStop(name: string, close: () => unknown): void
  /** Closes everything in reverse order; each step is bounded by `graceMs` and a failing step does not keep the others. */
  stop(): Promise<void>
}

export function createLifecycle(log: Logger, options: { graceMs: number }): Lifecycle {
  const steps: { name: string; close: () => unknown }[] = []
  let stopping: Promise<void> | undefined

  async function closeAll(): Promise<void> {
    for (const { name, close } of steps.reverse()) {
      try {
        await within(options.graceMs, name, close())
      } catch (err) {
        log.warn('could not stop in order', { part: name, err })
      }
    }
  }

  return {
    get running() {
      return stopping === undefined
    },
    onStop: (name, close) => void steps.push({ name, close }),
    stop: () => {
      stopping ??= closeAll()
      return stopping
    },
  }
}

async function within(graceMs: number, name: string, closing: unknown): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} did not stop within ${graceMs} ms`)), graceMs)
  })
  try {
    await Promise.race([closing, late])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Resolves at the first of these signals, or when `parentPid` is no longer our parent. A second signal ends the
 * process at once.
 */
export function untilSignal(options: { parentPid?: number } = {}): Promise<string> {
  return new Promise((resolve) => {
    let asked = false
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1)
        asked = true
        resolve(signal)
      })
    }
    const { parentPid } = options
    if (parentPid === undefined) return
    const watch = setInterval(() => {
      if (process.ppid === parentPid) return
      clearInterval(watch)
      resolve('parent gone')
    }, 500)
    watch.unref()
  })
}
