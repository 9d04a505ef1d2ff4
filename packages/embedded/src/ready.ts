import { setTimeout as sleep } from 'node:timers/promises'
import { askHttp } from './ask-http.ts'
import type { Say } from './say.ts'
import { EXIT, StartRefused } from './start-refused.ts'
import type { Supervised } from './supervise.ts'

const PATIENCE_MS = 120_000
const BETWEEN_MS = 50
/** Whoever started us should not wonder for longer what it waits for. */
const SILENT_MS = 8_000
const CRASHES_TO_GIVE_UP = 3

/**
 * Waits until a service says it is ready; what keeps it is said once, when that takes long.
 *
 * @throws {StartRefused} exit code 2 when it refuses its settings, 1 when it keeps ending or never gets ready
 */
export async function untilReady(
  name: string,
  adminUrl: string,
  supervised: Supervised,
  options: { signal: AbortSignal; lastWords: () => string; say: Say; silentMs?: number },
): Promise<void> {
  const { signal, lastWords, say, silentMs = SILENT_MS } = options
  const until = Date.now() + PATIENCE_MS
  let sayAt = Date.now() + silentMs
  let why = 'it does not answer'
  while (Date.now() < until) {
    signal.throwIfAborted()
    const answer = await askHttp(`${adminUrl}/readyz`)
    if (answer?.status === 200) return
    if (answer) why = answer.text.trim().slice(0, 300)
    const { count, last } = supervised.crashes
    if (count > 0 && last?.code === EXIT.wrongSetting) {
      throw new StartRefused(EXIT.wrongSetting, lastWords(), name)
    }
    if (count >= CRASHES_TO_GIVE_UP) {
      throw new StartRefused(EXIT.failed, `${name} ended ${count} times while starting: ${lastWords()}`, name)
    }
    if (Date.now() > sayAt) {
      say('warn', 'not ready yet', { why })
      sayAt = until
    }
    await sleep(BETWEEN_MS)
  }
  throw new StartRefused(
    EXIT.failed,
    `${name} is not ready after ${PATIENCE_MS / 1000} s: ${why}`,
    `${adminUrl}/readyz`,
  )
}

/** Waits until the suite as a whole says it is healthy. */
export async function untilHealthy(url: string, signal: AbortSignal): Promise<void> {
  const door = `${url}/api/v2.0/health`
  const until = Date.now() + PATIENCE_MS
  let why = 'it does not answer'
  while (Date.now() < until) {
    signal.throwIfAborted()
    const answer = await askHttp(door, { ms: 5_000 })
    const health = answer && parseHealth(answer.text)
    if (health?.status === 'healthy') return
    if (answer) why = answer.text.trim().slice(0, 500)
    await sleep(BETWEEN_MS)
  }
  throw new StartRefused(EXIT.failed, `the suite is not healthy after ${PATIENCE_MS / 1000} s: ${why}`, door)
}

function parseHealth(text: string): { status?: unknown } | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
