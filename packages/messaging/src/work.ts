import { contextOf, type Logger, withContext, withSpan } from '@berth/runtime'
import { type JobKind, JobMessage, type ParametersOf } from '@berth/types'
import type { JsMsg } from 'nats'
import { z } from 'zod'
import type { Bus } from './bus.ts'
import type { Following } from './follow.ts'
import { REQUEST_ID, TRACEPARENT } from './headers.ts'

/** The job somebody works on. */
export interface Job {
  taskId: string
  /** From 1; handing a job back, and a worker that died of it, count. */
  attempt: number
  /** Aborted when the worker stops: throw soon, and the job goes to another worker at once. */
  signal: AbortSignal
  log: Logger
}

const AGAIN_MS = 1_000
const LONGEST_PAUSE_MS = 60_000
const LONGEST_REASON = 500

/**
 * Works on jobs of one kind, as many at one time as its consumer gives out; for ever, across restarts of NATS and while
 * the consumer does not exist yet. What `handle` resolves is done. What it throws comes again after a pause that
 * doubles, and is given up after the last attempt. A job is worked on at least once: after a crash, or when NATS was
 * away for longer than the acknowledgement may take, a second worker may have it. `stop` resolves when everything
 * begun is done or handed back.
 */
export function workOn<K extends JobKind>(
  bus: Bus,
  kind: K,
  options: { log: Logger; handle: (parameters: ParametersOf<K>, job: Job) => Promise<void> },
): Following {
  const { log, handle } = options
  const stopping = new AbortController()
  const { signal } = stopping
  /** By the sequence in the stream. */
  const begun = new Map<number, Promise<void>>()
  let messages: { close(): Promise<unknown> } | undefined

  /** Says what became of a job, unless there is nobody to say it to: then it comes again by itself. */
  function say(word: () => void): void {
    if (!bus.connection.isClosed() && !bus.connection.isDraining()) word()
  }

  function begin(message: JsMsg): void {
    if (signal.aborted) say(() => message.nak())
    // NATS was away for so long that it gives out again what we still work on.
    else if (begun.has(message.seq)) say(() => message.working())
    else
      begun.set(
        message.seq,
        carryOut(message).finally(() => begun.delete(message.seq)),
      )
  }

  async function carryOut(message: JsMsg): Promise<void> {
    const attempt = message.info.redeliveryCount
    const task = parse(kind, message)
    if ('reason' in task) {
      log.error('a job cannot be read, nobody will work on it', { type: kind.type, reason: task.reason })
      say(() => message.term(task.reason))
      return
    }
    const { taskId, parameters } = task
    const facts = { type: kind.type, taskId, attempt }
    const heartbeat = setInterval(() => say(() => message.working()), kind.ackWaitMs / 3)
    const context = contextOf({
      requestId: message.headers?.get(REQUEST_ID) || undefined,
      traceparent: message.headers?.get(TRACEPARENT) || undefined,
    })
    await withContext(context, async () => {
      try {
        const job = { taskId, attempt, signal, log: withFacts(log, facts) }
        await withSpan(`work ${kind.subject}`, 'CONSUMER', () => handle(parameters, job))
        say(() => message.ack())
      } catch (err) {
        if (signal.aborted) {
          log.info('handed a job back', facts)
          say(() => message.nak())
        } else if (attempt >= kind.maxAttempts) {
          log.error('a job failed for the last time', { ...facts, err })
          say(() => message.term(`failed ${attempt} times`))
        } else {
          log.warn('a job failed, it comes again', { ...facts, err })
          say(() => message.nak(Math.min(LONGEST_PAUSE_MS, 500 * 2 ** Math.min(attempt, 10))))
        }
      } finally {
        clearInterval(heartbeat)
      }
    })
  }

  async function loop(): Promise<void> {
    while (!signal.aborted) {
      try {
        const consumer = await bus.jetstream.consumers.get('JOBS', kind.type)
        const options = { max_messages: kind.concurrency, expires: 10_000, idle_heartbeat: 2_500 }
        const iterator = await consumer.consume(options)
        messages = iterator
        if (signal.aborted) await iterator.close()
        // Nothing waits here: the consumer gives out no more than may be worked on.
        for await (const message of iterator) begin(message)
      } catch (err) {
        if (!signal.aborted) log.warn('cannot read the work queue, will try again', { type: kind.type, err })
      }
      if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    }
  }

  const done = loop()
  return {
    stop: async () => {
      stopping.abort()
      // The client never ends the reading of a connection that was closed under it.
      if (!bus.connection.isClosed()) {
        await messages?.close()
        await done
      }
      await Promise.all(begun.values())
    },
  }
}

type Read<K extends JobKind> = { taskId: string; parameters: ParametersOf<K> } | { reason: string }

function parse<K extends JobKind>(kind: K, message: JsMsg): Read<K> {
  let body: unknown
  try {
    body = JSON.parse(message.string())
  } catch {
    return { reason: 'it is not JSON' }
  }
  const shape = JobMessage.extend({ type: z.literal(kind.type), parameters: kind.parameters })
  const result = shape.safeParse(body)
  if (!result.success) return { reason: z.prettifyError(result.error).replace(/\s+/g, ' ').slice(0, LONGEST_REASON) }
  return { taskId: result.data.taskId, parameters: result.data.parameters as ParametersOf<K> }
}

function withFacts(log: Logger, facts: Record<string, unknown>): Logger {
  return {
    error: (message, fields) => log.error(message, { ...facts, ...fields }),
    warn: (message, fields) => log.warn(message, { ...facts, ...fields }),
    info: (message, fields) => log.info(message, { ...facts, ...fields }),
    debug: (message, fields) => log.debug(message, { ...facts, ...fields }),
  }
}
