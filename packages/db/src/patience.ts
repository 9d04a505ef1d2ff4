import { Unavailable } from '@berth/errors'

const PATIENCE_MS = 500

/**
 * Waits for Postgres as long as it lives. A statement may be slow; a server that is frozen or unreachable must not
 * hold anybody: after half a second in which nobody was answered a probe on a connection of its own has to be, else
 * {Unavailable} is thrown and whether the work was done is unknown. One probe serves everybody who waits.
 */
export function createPatience(probe: () => Promise<void>): <T>(work: Promise<T>) => Promise<T> {
  let probing: Promise<void> | undefined
  let answeredAt = Number.NEGATIVE_INFINITY

  async function alive(): Promise<void> {
    probing ??= probe().finally(() => {
      probing = undefined
    })
    await probing
  }

  return async <T>(work: Promise<T>): Promise<T> => {
    const settled = work.then(
      () => {
        answeredAt = performance.now()
        return true
      },
      () => true,
    )
    for (;;) {
      if (await settledWithin(settled, PATIENCE_MS)) return work
      if (performance.now() - answeredAt < PATIENCE_MS) continue
      try {
        await alive()
      } catch (err) {
        throw new Unavailable('the database does not answer', { cause: err })
      }
    }
  }
}

async function settledWithin(settled: Promise<boolean>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([settled, late])
  } finally {
    clearTimeout(timer)
  }
}
