/** Who is being looked at, by address, and who waits for a place. Addresses with neither take no memory. */
export interface WaitingRoom {
  inside(address: string): number
  /** Takes a place. The function it returns gives it back and wakes whoever waits longest; a second call is nothing. */
  enter(address: string): () => void
  /** Resolves when it is this one's turn to look again, `ms` are over, or whoever waits has gone. */
  wait(address: string, reason: { credential: string; ms: number; gone: AbortSignal }): Promise<void>
  /** Wakes whoever waits longest; for those who were woken and took no place. */
  next(address: string): void
  /** Wakes all of this address that wait, or those who show this credential. */
  wake(address: string, credential?: string): void
}

interface Lane {
  inside: number
  /** In order of arrival; with the credential each one shows. */
  readonly waiting: Map<() => void, string>
}

export function createWaitingRoom(): WaitingRoom {
  const lanes = new Map<string, Lane>()
  const laneOf = (address: string): Lane => {
    const lane = lanes.get(address) ?? { inside: 0, waiting: new Map() }
    lanes.set(address, lane)
    return lane
  }
  const sweep = (address: string, lane: Lane) => {
    if (lane.inside === 0 && lane.waiting.size === 0) lanes.delete(address)
  }
  const next = (address: string) => lanes.get(address)?.waiting.keys().next().value?.()

  return {
    inside: (address) => lanes.get(address)?.inside ?? 0,
    enter(address) {
      const lane = laneOf(address)
      lane.inside++
      let left = false
      return () => {
        if (left) return
        left = true
        lane.inside--
        next(address)
        sweep(address, lane)
      }
    },
    wait: (address, { credential, ms, gone }) =>
      new Promise((resolve) => {
        const lane = laneOf(address)
        const wake = () => {
          clearTimeout(timer)
          gone.removeEventListener('abort', wake)
          lane.waiting.delete(wake)
          sweep(address, lane)
          resolve()
        }
        const timer = setTimeout(wake, ms)
        gone.addEventListener('abort', wake)
        lane.waiting.set(wake, credential)
      }),
    next,
    wake(address, credential) {
      for (const [wake, shown] of [...(lanes.get(address)?.waiting ?? [])]) {
        if (credential === undefined || shown === credential) wake()
      }
    },
  }
}
