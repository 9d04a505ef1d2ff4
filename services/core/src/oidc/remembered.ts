/** Answers from memory while that is fresh, else asks; whoever wants the same meanwhile waits for the same answer. */
export type Remembered<T> = (key: string, ask: () => Promise<T>) => Promise<T>

/**
 * Keeps the last answer of one key. When asking fails, what was known under the same key serves up to `maxStaleMs`, so
 * that a provider that is away for a moment does not sign anybody out of what it has nothing to say to.
 */
export function createRemembered<T>(options: {
  maxAgeMs: number
  maxStaleMs: number
  /** How long what is old serves after asking failed, before it is asked again. */
  retryMs: number
  now?: () => number
}): Remembered<T> {
  const { maxAgeMs, maxStaleMs, retryMs, now = Date.now } = options
  let known: { key: string; value: T; at: number; freshUntil: number } | undefined
  let asking: { key: string; answer: Promise<T> } | undefined

  async function renew(key: string, ask: () => Promise<T>): Promise<T> {
    try {
      const value = await ask()
      known = { key, value, at: now(), freshUntil: now() + maxAgeMs }
      return value
    } catch (err) {
      if (known?.key !== key || now() - known.at >= maxStaleMs) throw err
      known.freshUntil = now() + retryMs
      return known.value
    } finally {
      if (asking?.key === key) asking = undefined
    }
  }

  return (key, ask) => {
    if (known?.key === key && now() < known.freshUntil) return Promise.resolve(known.value)
    if (asking?.key !== key) asking = { key, answer: renew(key, ask) }
    return asking.answer
  }
}
