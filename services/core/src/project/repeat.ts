/** Does `work` again and again until stopped, one time after the other; `onError` hears what it throws. */
export function repeat(work: () => Promise<void>, everyMs: number, onError: (err: unknown) => void): { stop(): void } {
  let running = false
  const timer = setInterval(async () => {
    if (running) return
    running = true
    try {
      await work()
    } catch (err) {
      onError(err)
    } finally {
      running = false
    }
  }, everyMs)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
