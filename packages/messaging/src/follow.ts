import { contextOf, type Logger, withContext } from '@berth/runtime'
import { CONSUMERS, type ConsumerName } from '@berth/types'
import type { JsMsg } from 'nats'
import type { Bus } from './bus.ts'
import { REQUEST_ID, TRACEPARENT } from './headers.ts'

export interface Followed {
  subject: string
  data: Uint8Array
  /** How often this message was handed out, from 1. */
  deliveries: number
  /** Of the stream. */
  sequence: number
  /** Takes it off the consumer; not called or a failed handler: it comes again. */
  ack(): void
  nak(delayMs?: number): void
}

export interface Following {
  stop(): Promise<void>
}

/**
 * Reads a durable consumer that `berth provision` made, in order, one message at a time; for ever, across restarts of
 * NATS and while the consumer does not exist yet. The handler acknowledges; what it throws is logged and the message
 * comes again after a pause.
 */
export function followConsumer(
  bus: Bus,
  name: ConsumerName,
  options: { log: Logger; maxMessages?: number; handle: (message: Followed) => Promise<void> },
): Following {
  const { log, handle, maxMessages = 100 } = options
  let stopped = false
  let messages: { close(): Promise<unknown> } | undefined
  const loop = async () => {
    while (!stopped) {
      try {
        const consumer = await bus.jetstream.consumers.get(CONSUMERS[name].stream, name)
        const iterator = await consumer.consume({ max_messages: maxMessages, expires: 10_000, idle_heartbeat: 2_500 })
        messages = iterator
        for await (const message of iterator) await handOver(message, handle, log)
      } catch (err) {
        if (!stopped) log.warn('cannot read a stream, will try again', { consumer: name, err })
      }
      if (!stopped) await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }
  const done = loop()
  return {
    stop: async () => {
      stopped = true
      await messages?.close()
      await done
    },
  }
}

async function handOver(message: JsMsg, handle: (message: Followed) => Promise<void>, log: Logger): Promise<void> {
  const context = contextOf({
    requestId: message.headers?.get(REQUEST_ID) || undefined,
    traceparent: message.headers?.get(TRACEPARENT) || undefined,
  })
  await withContext(context, async () => {
    try {
      await handle({
        subject: message.subject,
        data: message.data,
        deliveries: message.info.redeliveryCount,
        sequence: message.seq,
        ack: () => message.ack(),
        nak: (delayMs) => message.nak(delayMs),
      })
    } catch (err) {
      log.warn('could not handle a message, it comes again', { subject: message.subject, err })
      message.nak(Math.min(30_000, 500 * 2 ** Math.min(message.info.redeliveryCount, 6)))
    }
  })
}
