import type { Logger } from '@berth/runtime'
import { CONSUMERS, type ConsumerName } from '@berth/types'
import { type Msg, nanos } from 'nats'
import type { Bus } from './bus.ts'
import type { Following } from './follow.ts'
import { pullOnce } from './pull.ts'

/** One message of a batch; acknowledged with it. */
export interface Delivered {
  subject: string
  data: Uint8Array
  /** How often this message was handed out, from 1. */
  deliveries: number
  /** Of the stream. */
  sequence: number
  /** When the stream took it, in milliseconds. */
  storedAtMs: number
  /** Messages the stream has after this one. */
  pending: number
}

const MAX_BYTES = 4 * 1024 * 1024
const AGAIN_MS = 1_000
const ACK = new TextEncoder().encode('+ACK')
const AGAIN = new TextEncoder().encode(`-NAK ${JSON.stringify({ delay: nanos(AGAIN_MS) })}`)

/**
 * Reads a durable consumer that `berth provision` made, in batches; for ever, across restarts of NATS and while the
 * consumer does not exist yet. A batch is handed over when it holds `maxMessages` or its first message is `maxWaitMs`
 * old, one batch at a time, and acknowledged when the handler resolves; when it throws, the messages come again. Never
 * more than two batches and 4 MiB on the way are in memory.
 */
export function followBatches(
  bus: Bus,
  name: ConsumerName,
  options: {
    log: Logger
    maxMessages?: number
    maxWaitMs?: number
    handle: (batch: readonly Delivered[]) => Promise<void>
  },
): Following {
  const { log, handle, maxMessages = 1_000, maxWaitMs = 200 } = options
  const { stream } = CONSUMERS[name]
  const stopping = new AbortController()
  let waiting: Msg[] = []
  let timer: NodeJS.Timeout | undefined
  let handling: Promise<void> | undefined

  function add(message: Msg): void {
    waiting.push(message)
    if (waiting.length >= maxMessages) kick()
    else timer ??= setTimeout(kick, maxWaitMs)
  }

  function kick(): void {
    clearTimeout(timer)
    timer = undefined
    if (handling || waiting.length === 0) return
    const batch = waiting
    waiting = []
    handling = handOver(batch).finally(() => {
      handling = undefined
      // What came meanwhile has waited long enough.
      kick()
    })
  }

  async function handOver(batch: Msg[]): Promise<void> {
    try {
      await handle(batch.map(delivered))
      for (const message of batch) message.respond(ACK)
    } catch (err) {
      log.warn('could not handle messages, they come again', { consumer: name, messages: batch.length, err })
      if (bus.connection.isClosed()) return
      for (const message of batch) message.respond(AGAIN)
    }
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        if (!bus.connected) throw new Error('NATS is away')
        await pullOnce(bus, {
          stream,
          consumer: name,
          maxMessages,
          maxBytes: MAX_BYTES,
          onMessage: add,
          signal: stopping.signal,
        })
        while (handling && waiting.length >= maxMessages) await handling
      } catch (err) {
        if (stopping.signal.aborted) break
        if (bus.connected) log.warn('cannot read a stream, will try again', { consumer: name, err })
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
    }
    while (handling || waiting.length > 0) {
      kick()
      await handling
    }
  }

  const done = loop()
  return {
    stop: async () => {
      stopping.abort()
      await done
    },
  }
}

/** What the server says of a message in its reply subject: `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<numbers>`. */
function delivered(message: Msg): Delivered {
  const parts = message.reply?.split('.') ?? []
  const numbers = parts.slice(parts.length === 9 ? 4 : 6).map(Number)
  const [deliveries = 1, sequence = 0, , storedAtNs = 0, pending = 0] = numbers
  return { subject: message.subject, data: message.data, deliveries, sequence, storedAtMs: storedAtNs / 1e6, pending }
}
