import { BadRequest, fromWire, Unavailable } from '@berth/errors'
import { currentContext, withSpan } from '@berth/runtime'
import type { Ask, RequestOf, ResponseOf } from '@berth/types'
import { headers, type Msg, type MsgHdrs, ErrorCode as NatsCode, NatsError } from 'nats'
import { z } from 'zod'
import type { AskOptions } from './bus.ts'
import { ADDRESS, AUTHORIZATION, DEADLINE, REQUEST_ID, TRACEPARENT } from './headers.ts'
import type { Replies } from './replies.ts'

const WireError = z.object({
  code: z.string(),
  message: z.string(),
  detail: z.unknown().optional(),
  retryAfterSeconds: z.number().optional(),
})

export async function askOver<A extends Ask>(
  replies: Replies,
  ask: A,
  request: RequestOf<A>,
  options: AskOptions,
): Promise<ResponseOf<A>> {
  const timeout = options.timeoutMs ?? ask.timeoutMs
  return withSpan(`ask ${ask.subject}`, 'CLIENT', async () => {
    const answer = await send(replies, ask, encode(ask, request), askHeaders(options, timeout), timeout)
    const body = decode(answer)
    if (answer.headers?.get('Nats-Service-Error-Code')) throw fromWire(WireError.parse(body))
    return ask.response.parse(body) as ResponseOf<A>
  })
}

function askHeaders(options: AskOptions, timeoutMs: number): MsgHdrs {
  const out = headers()
  const context = currentContext()
  if (context) {
    out.set(REQUEST_ID, context.requestId)
    out.set(TRACEPARENT, context.traceparent)
    if (context.address !== undefined) out.set(ADDRESS, context.address)
  }
  if (options.token !== undefined) out.set(AUTHORIZATION, `Bearer ${options.token}`)
  out.set(DEADLINE, new Date(Date.now() + timeoutMs).toISOString())
  return out
}

/** @throws {BadRequest} as the other side would, without asking it */
function encode<A extends Ask>(ask: A, request: RequestOf<A>): string {
  const result = ask.request.safeParse(request)
  if (!result.success) throw new BadRequest('the request does not fit', { detail: z.flattenError(result.error) })
  return JSON.stringify(result.data)
}

async function send(replies: Replies, ask: Ask, text: string, hdrs: MsgHdrs, timeoutMs: number): Promise<Msg> {
  try {
    return await replies.ask(ask.subject, text, { headers: hdrs, timeoutMs })
  } catch (err) {
    if (err instanceof NatsError && err.code === NatsCode.PermissionsViolation) throw err
    throw new Unavailable(`${ask.service} cannot be reached`, { cause: err })
  }
}

function decode(message: Msg): unknown {
  try {
    return JSON.parse(message.string())
  } catch (err) {
    throw new Unavailable('an answer could not be read', { cause: err })
  }
}
