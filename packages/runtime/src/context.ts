import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'

/** What travels with a piece of work through every service it touches. */
export interface WorkContext {
  readonly requestId: string
  /** W3C trace context, version 00. */
  readonly traceparent: string
  /** Of the client at the start of it, as the gateway saw it. */
  readonly address?: string
}

const REQUEST_ID = /^[\w.:-]{1,128}$/
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

const storage = new AsyncLocalStorage<WorkContext>()

export function currentContext(): WorkContext | undefined {
  return storage.getStore()
}

export function withContext<T>(context: WorkContext, work: () => T): T {
  return storage.run(context, work)
}

/** Ids that are malformed are replaced, never passed on. */
export function contextOf(ids: { requestId?: string; traceparent?: string; address?: string }): WorkContext {
  const { requestId, traceparent, address } = ids
  return {
    requestId: requestId !== undefined && REQUEST_ID.test(requestId) ? requestId : randomUUID(),
    traceparent: traceparent !== undefined && TRACEPARENT.test(traceparent) ? traceparent : newTraceparent(),
    address: address !== undefined && isIP(address) !== 0 ? address : undefined,
  }
}

/** The ids a request came with; whose headers are believed for an address is for the caller to know. */
export function contextOfHeaders(headers: IncomingHttpHeaders): WorkContext {
  const { traceparent } = headers
  const requestId = headers['x-request-id']
  return contextOf({
    requestId: typeof requestId === 'string' ? requestId : undefined,
    traceparent: typeof traceparent === 'string' ? traceparent : undefined,
  })
}

/** Node makes UUIDs from randomness drawn in advance, five times as fast as asking for the bytes. */
function newTraceparent(): string {
  return `00-${randomUUID().replaceAll('-', '')}-${randomUUID().replaceAll('-', '').slice(16)}-00`
}
