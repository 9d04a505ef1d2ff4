import type { Logger } from '@berth/runtime'

export interface Repeated {
  /** Once more at once, unless it runs just now. */
  poke(): void
  /** Waits for the round under way; no other begins. */
  stop(): Promise<void>
}

/** Does `work` every `everyMs`, one round at a time; a round that fails is logged and the next one tries again. */
export function every(everyMs: number, what: string, work: () => Promise<unknown>, log: Logger): Repeated {
  let running: Promise<void> | undefined
  let stopped = false
  const poke = () => {
    if (stopped) return
    running ??= work()
      .then(
        () => undefined,
        (err) => log.warn('housekeeping failed, will try again', { what, err }),
      )
      .finally(() => {
        running = undefined
      })
  }
  const timer = setInterval(poke, everyMs)
  return {
    poke,
    stop: async () => {
      stopped = true
      clearInterval(timer)
      await running
    },
  }
}
