import { readFile } from 'node:fs/promises'
import { EventEnvelope } from '@berth/types'
import { connect, type NatsConnection } from 'nats'
import { runOk, sleep } from './process.ts'
import { CLONE, type Suite } from './suite.ts'

type Event = Omit<EventEnvelope, 'data'> & { data: { repository?: string; digest?: string; tags?: string[] } }

export interface Events {
  /** The first one that fits, past or to come. @throws {Error} when none comes within 20 s */
  find(fits: (event: Event) => boolean): Promise<Event>
  /** All that fit, once at least `count` came and nothing more came for a while after. */
  settled(count: number, fits: (event: Event) => boolean): Promise<Event[]>
  stop(): Promise<void>
}

const NAME = 'e2e-follower'

interface Credentials {
  servers: string[]
  user: string
  pass: string
  inboxPrefix: string
  consumer: { stream: string; name: string }
}

const QUIET_MS = 3_000
const PATIENCE_MS = 60_000

/**
 * Follows the pushes of a suite, or other events, as a service that is not ours does: with a NATS user and a durable consumer
 * made by `berth nats user add`. Two messages of the stream are two events here, whatever their ids.
 */
export async function openEvents(suite: Suite, subject = 'event.artifact.pushed'): Promise<Events> {
  const add = ['run', '--silent', 'berth', '--', '-o', 'json', 'nats', 'user', 'add', NAME]
  const added = await runOk('npm', [...add, '--follow', subject], {
    cwd: CLONE,
    env: { ...process.env, BERTH_DATA: suite.data },
  })
  const { credentials } = JSON.parse(added.stdout) as { credentials: string }
  const { servers, user, pass, inboxPrefix, consumer } = JSON.parse(await readFile(credentials, 'utf8')) as Credentials
  const bus = await connect({ servers, user, pass, inboxPrefix, maxReconnectAttempts: -1 })
  const seen = new Map<number, Event>()
  let going = true
  const loop = (async () => {
    while (going) {
      try {
        await fetchOnce(bus, consumer, seen)
      } catch (err) {
        // NATS is away or the consumer is not reachable yet: what is in the stream waits there.
        if (bus.isClosed()) throw err
        await sleep(300)
      }
    }
  })()
  loop.catch((err: Error) => process.stderr.write(`the follower of events ended: ${err.message}\n`))
  const fitting = (fits: (event: Event) => boolean): Event[] => [...seen.values()].filter(fits)
  return {
    find: async (fits) => {
      for (const end = Date.now() + 20_000; Date.now() < end; await sleep(100)) {
        const [found] = fitting(fits)
        if (found) return found
      }
      throw new Error(`no such event among ${seen.size}`)
    },
    settled: async (count, fits) => {
      for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(100)) {
        if (fitting(fits).length < count) continue
        const before = seen.size
        await sleep(QUIET_MS)
        if (seen.size === before) return fitting(fits)
      }
      return fitting(fits)
    },
    stop: async () => {
      going = false
      await loop
      await bus.close()
    },
  }
}

async function fetchOnce(
  bus: NatsConnection,
  durable: Credentials['consumer'],
  seen: Map<number, Event>,
): Promise<void> {
  const consumer = await bus.jetstream({ checkAPI: false, timeout: 2_000 }).consumers.get(durable.stream, durable.name)
  for await (const message of await consumer.fetch({ max_messages: 100, expires: 1_000 })) {
    const event = EventEnvelope.parse(message.json())
    seen.set(message.seq, event as Event)
    message.ack()
  }
}
