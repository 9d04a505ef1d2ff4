const FRESH_MS = 10_000
/** Who asks how we are waits no longer than a second and a half. */
const PATIENCE_MS = 1_200

/**
 * The same probe, not oftener than every ten seconds while it succeeds and never twice at once: whoever pays for each
 * request would notice.
 */
export function probed(probe: () => Promise<void>): () => Promise<void> {
  let goodUntil = 0
  let running: Promise<void> | undefined
  return async () => {
    if (performance.now() < goodUntil) return
    running ??= inTime(probe)
      .then(() => {
        goodUntil = performance.now() + FRESH_MS
      })
      .finally(() => {
        running = undefined
      })
    await running
  }
}

async function inTime(probe: () => Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('the storage did not answer in time')), PATIENCE_MS)
  try {
    await Promise.race([probe(), promise])
  } finally {
    clearTimeout(timer)
  }
}
