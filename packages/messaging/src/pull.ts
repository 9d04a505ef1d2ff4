import { type Msg, nanos } from 'nats'
import type { Bus } from './bus.ts'

const HEARTBEAT_MS = 1_000
const SILENCE_MS = 3 * HEARTBEAT_MS
const EXPIRES_MS = 5_000

/**
 * Asks a consumer once for as much as there is, within these bounds, and resolves when it was given or nothing more
 * came for five seconds. The client library's own `fetch` has no bound of bytes beside that of messages, and its
 * `consume` no bound at all on what it has taken and nobody has worked on.
 */
export function pullOnce(
  bus: Bus,
  options: {
    stream: string
    consumer: string
    maxMessages: number
    maxBytes: number
    onMessage: (message: Msg) => void
    signal: AbortSignal
  },
): Promise<void> {
  const { stream, consumer, maxMessages, maxBytes, onMessage, signal } = options
  return new Promise((resolve, reject) => {
    let received = 0
    let heardAt = Date.now()
    const inbox = bus.inbox()
    const subscription = bus.connection.subscribe(inbox, {
      callback: (err, message) => {
        if (err) return finish(err)
        heardAt = Date.now()
        if (message.subject === inbox) {
          const end = endOf(message)
          if (end) finish(end === 'done' ? undefined : end)
          return
        }
        received++
        onMessage(message)
        if (received === maxMessages) finish()
      },
    })
    // A server that went away without a word sends no heartbeat either.
    const watch = setInterval(() => {
      if (Date.now() - heardAt > SILENCE_MS) finish()
    }, HEARTBEAT_MS)
    const stop = () => finish()
    const finish = (err?: Error) => {
      clearInterval(watch)
      signal.removeEventListener('abort', stop)
      subscription.unsubscribe()
      if (err) reject(err)
      else resolve()
    }
    signal.addEventListener('abort', stop)
    const request = {
      batch: maxMessages,
      max_bytes: maxBytes,
      expires: nanos(EXPIRES_MS),
      idle_heartbeat: nanos(HEARTBEAT_MS),
    }
    bus.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(request), { reply: inbox })
  })
}

/** What a message of the server itself says about our request: nothing, that it is over, or that it cannot be. */
function endOf(message: Msg): 'done' | Error | undefined {
  const code = message.headers?.code ?? 0
  const description = message.headers?.description ?? ''
  if (code === 100) return undefined
  if (code === 404 || code === 408) return 'done'
  // 409 with what is left of the request: a bound was reached. Without: the consumer is gone, or something like it.
  if (code === 409 && message.headers?.has('Nats-Pending-Messages')) return 'done'
  return new Error(code === 503 ? 'there is no such consumer' : `${code} ${description}`)
}
