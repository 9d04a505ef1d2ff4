import { Cut } from './http.ts'
import { makeImage } from './images/image.ts'
import { sleep } from './process.ts'
import { Refused, type RegistryClient } from './registry-client.ts'

export interface Acknowledged {
  repository: string
  tag: string
  digest: string
}

export interface Tally {
  pushes: number
  pulls: number
  /** Operations that failed, and with what: a status, or `cut` when the connection ended without a whole answer. */
  failures: { operation: 'push' | 'pull'; status: number | 'cut'; message: string; retryAfter?: string }[]
}

export interface Load {
  /** What the registry answered 201 to since the load began. */
  acknowledged: Acknowledged[]
  /** What happened since the last call. */
  take(): Tally
  stop(): Promise<void>
}

const empty = (): Tally => ({ pushes: 0, pulls: 0, failures: [] })

/**
 * Pushes small images, a new one each time, and pulls `known` again and again, with the tokens the client holds.
 * Failures are counted and the work goes on; an answer with wrong bytes ends it, and `stop` throws.
 */
export function startLoad(
  client: RegistryClient,
  repository: string,
  known: { repository: string; tag: string; digest: string },
  name: string,
): Load {
  const acknowledged: Acknowledged[] = []
  let tally = empty()
  let going = true
  const work = async (operation: 'push' | 'pull', once: () => Promise<void>): Promise<void> => {
    while (going) {
      try {
        await once()
        tally[operation === 'push' ? 'pushes' : 'pulls'] += 1
        await sleep(20)
      } catch (err) {
        if (!(err instanceof Refused) && !(err instanceof Cut)) throw err
        const status = err instanceof Refused ? err.status : 'cut'
        const retryAfter = err instanceof Refused ? err.answer.headers['retry-after'] : undefined
        tally.failures.push({ operation, status, message: err.message, retryAfter })
        await sleep(100)
      }
    }
  }
  let count = 0
  const push = async (): Promise<void> => {
    count += 1
    const tag = `${name}-${count}`
    const image = await makeImage({ name: tag, layerBytes: [20_000] })
    await client.pushImage(repository, tag, image)
    acknowledged.push({ repository, tag, digest: image.manifest.digest })
  }
  const pull = async (): Promise<void> => {
    const { digest } = await client.pullImage(known.repository, known.tag)
    if (digest !== known.digest) throw new Error(`${known.tag} is ${digest} instead of ${known.digest}`)
  }
  const workers = Promise.all([work('push', push), work('pull', pull), work('pull', pull)])
  workers.catch(() => {
    going = false
  })
  return {
    acknowledged,
    take: () => {
      const taken = tally
      tally = empty()
      return taken
    },
    stop: async () => {
      going = false
      await workers
    },
  }
}
