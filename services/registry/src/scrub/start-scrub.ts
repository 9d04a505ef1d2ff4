import type { Registry } from '@berth/runtime'
import { alone } from '../chore/index.ts'
import { every } from '../every.ts'
import { paceOf } from './pace.ts'
import { type ScrubParts, scrubRound } from './scrub.ts'
import { scrubMetrics } from './scrub-metrics.ts'

const LOOK_MS = 60_000
/** What is small is not read all the time. */
const ROUND_MS = 24 * 3_600_000

/** Reads everything stored again and again, slowly, on one replica at a time; 0 bytes a second never. */
export function startScrub(
  parts: Omit<ScrubParts, 'pace' | 'onProgress'> & { bytesPerSecond: number; metrics: Registry },
): { stop(): Promise<void> } {
  const { database, log, bytesPerSecond, metrics } = parts
  const { scrubbed } = scrubMetrics(database, metrics)
  if (bytesPerSecond === 0) return { stop: async () => undefined }
  const stopping = new AbortController()
  const pace = paceOf(bytesPerSecond, stopping.signal)
  const round = async () => {
    let told = 0
    const onProgress: ScrubParts['onProgress'] = ({ checkedBytes }) => {
      scrubbed(checkedBytes - told)
      told = checkedBytes
    }
    await alone(database, 'scrub', async () => {
      const figures = await scrubRound({ ...parts, pace, onProgress }, ROUND_MS)
      if (figures.checked > 0) log.info('everything stored has been read again', { ...figures })
    })
  }
  const rounds = every(LOOK_MS, 'scrub', () => round().catch((err) => unlessStopped(err, stopping.signal)), log)
  return {
    async stop() {
      stopping.abort()
      await rounds.stop()
    },
  }
}

function unlessStopped(err: unknown, signal: AbortSignal): void {
  if (!signal.aborted) throw err
}
