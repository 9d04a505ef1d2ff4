import { every, type Repeated } from '../every.ts'
import { type FillerParts, fillFacts } from './fill-facts.ts'

const EVERY_MS = 60_000
/** Gathers what one batch can do for many pushes. */
const AFTER_POKE_MS = 200

/** Finds the facts of manifests soon after they were put, and every minute of those nobody found. */
export function startFiller(parts: FillerParts): Repeated {
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  let isWanted = false
  const work = async () => {
    do {
      isWanted = false
      await fillFacts(parts)
    } while (isWanted && !isStopped)
  }
  const rounds = every(EVERY_MS, 'facts', work, parts.log)
  return {
    poke() {
      if (isStopped) return
      timer ??= setTimeout(() => {
        timer = undefined
        isWanted = true
        rounds.poke()
      }, AFTER_POKE_MS)
    },
    async stop() {
      isStopped = true
      clearTimeout(timer)
      await rounds.stop()
    },
  }
}
