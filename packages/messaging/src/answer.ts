import type { Claims, TokenVerifier } from '@berth/access'
import { BadRequest, errorEntry, toErrorBody, Unauthorized } from '@berth/errors'
import { contextOf, type Logger, withContext, withSpan } from '@berth/runtime'
import type { Ask, RequestOf, ResponseOf, ServiceName } from '@berth/types'
import type { ServiceMsg } from 'nats'
import { z } from 'zod'
import type { Bus } from './bus.ts'
import { ADDRESS, AUTHORIZATION, DEADLINE, REQUEST_ID, TRACEPARENT } from './headers.ts'

/** Whoever an ask with `caller: 'person'` is made for: the claims of a token we have verified. */
export type Caller = Claims

export interface Answer {
  readonly ask: Ask
  readonly handle: (request: unknown, caller: Caller | undefined) => Promise<unknown>
}

/** Says how one question is answered. */
export function answer<A extends Ask>(
  ask: A,
  handle: (
    request: RequestOf<A>,
    caller: A['caller'] extends 'service' ? undefined : Caller,
  ) => Promise<z.input<A['response']>>,
): Answer {
  return { ask, handle: handle as Answer['handle'] }
}

/**
 * Registers the service and its answers with the NATS services API, in one queue group, so that
 * `$SRV.PING/INFO/STATS` discover and measure it. Requests are checked before a handler sees them, answers before
 * they leave.
 */
export async function answerAsks(
  bus: Bus,
  options: {
    service: ServiceName
    version: string
    answers: readonly Answer[]
    log: Logger
    /** For asks made on behalf of a person. */
    verifier?: TokenVerifier
  },
): Promise<void> {
  const { service, version, answers, log, verifier } = options
  const registered = await bus.connection.services.add({ name: service, version, queue: service })
  for (const { ask, handle } of answers) {
    registered.addEndpoint(`${ask.noun}-${ask.verb}`, {
      subject: ask.subject,
      metadata: { summary: ask.summary, effect: ask.effect, caller: ask.caller },
      handler: (err, message) => {
        if (err) return log.error('a subscription failed', { subject: ask.subject, err })
        void respond(message, ask, handle, { log, verifier })
      },
    })
  }
  // Whoever is told that we are ready may ask at once: the server must have heard of every subject by then.
  await bus.connection.flush()
}

async function respond(
  message: ServiceMsg,
  ask: Ask,
  handle: Answer['handle'],
  { log, verifier }: { log: Logger; verifier?: TokenVerifier },
): Promise<void> {
  const context = contextOf({
    requestId: message.headers?.get(REQUEST_ID) || undefined,
    traceparent: message.headers?.get(TRACEPARENT) || undefined,
    address: message.headers?.get(ADDRESS) || undefined,
  })
  await withContext(context, async () => {
    const began = performance.now()
    // What an operator traces, as each HTTP request is; the questions of the health check are not.
    const usual = ask.noun === 'health' ? 'debug' : 'info'
    try {
      if (isPast(message)) return log.debug('nobody waits for this answer any more', { subject: ask.subject })
      const caller = ask.caller === 'person' ? await callerOf(message, verifier) : undefined
      const value = await withSpan(`answer ${ask.subject}`, 'SERVER', () => handle(parse(ask, message), caller))
      if (isPast(message)) return log.debug('the answer came too late', { subject: ask.subject })
      message.respond(JSON.stringify(ask.response.parse(value)))
      log[usual]('answered', { subject: ask.subject, ms: Math.round(performance.now() - began) })
    } catch (err) {
      const entry = errorEntry(err)
      const { status, retryAfterSeconds } = toErrorBody(err)
      log[status === 500 ? 'error' : status > 500 ? 'warn' : usual]('an ask failed', { subject: ask.subject, err })
      const body = JSON.stringify({ ...entry, retryAfterSeconds })
      message.respondError(status, entry.code, new TextEncoder().encode(body))
    }
  })
}

function isPast(message: ServiceMsg): boolean {
  const deadline = message.headers?.get(DEADLINE)
  return deadline ? Date.parse(deadline) < Date.now() : false
}

async function callerOf(message: ServiceMsg, verifier: TokenVerifier | undefined): Promise<Caller> {
  const token = /^Bearer (\S+)$/.exec(message.headers?.get(AUTHORIZATION) ?? '')?.[1]
  if (token === undefined || verifier === undefined) throw new Unauthorized('this needs the token of a person')
  return verifier.verify(token)
}

function parse<A extends Ask>(ask: A, message: ServiceMsg): ResponseOf<A> {
  let body: unknown
  try {
    body = message.data.length === 0 ? {} : JSON.parse(message.string())
  } catch {
    throw new BadRequest('the request is not JSON')
  }
  const result = ask.request.safeParse(body)
  if (!result.success) throw new BadRequest('the request does not fit', { detail: z.flattenError(result.error) })
  return result.data as ResponseOf<A>
}
