import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { DomainError, NotFound } from '@berth/errors'
import { matchV2, projectOf, RangeInvalid, unknownWhenReading, unsatisfiedRange, type V2Route } from '@berth/oci'
import { type Logger, renderError } from '@berth/runtime'
import { type Authenticator, challengeOf, type Need, NotAuthorized } from '../auth/index.ts'
import { baseUrlOf, clientAddressOf } from './base-url.ts'
import { type Door, type Doors, doorOf, methodsOf } from './doors.ts'
import { setOperation } from './operation.ts'
import { grantOf } from './visit.ts'

/** UNSUPPORTED (405). */
class MethodUnsupported extends DomainError {
  override name = 'MethodUnsupported'
  readonly code = 'UNSUPPORTED'

  constructor() {
    super('The operation is unsupported.', { status: 405 })
  }
}

/** The whole of `/v2` as one listener: match, authenticate, hand to a door, render what goes wrong. */
export function createApp(options: { doors: Doors; authenticator: Authenticator; externalUrl?: string; log: Logger }): {
  listener: RequestListener
  settled: () => Promise<void>
} {
  const { doors, authenticator, externalUrl, log } = options

  async function serve(req: IncomingMessage, res: ServerResponse, wanted: Need[]): Promise<void> {
    const { path, query } = splitUrl(req.url ?? '')
    const route = routeOf(req, path)
    setOperation(req, route.kind)
    const door = doorOf(doors, route, req.method ?? '')
    wanted.push(...needsOf(route, door, query))
    // As Harbor: for the catalog no token is asked for.
    if (route.kind === 'catalog' && req.headers.authorization === undefined) throw new NotAuthorized('denied')
    const caller = await authenticator.callerOf(req.headers.authorization, wanted, clientAddressOf(req))
    // For the gateway, who counts wrong passwords: a refusal that follows is none.
    if (isBasic(req)) res.setHeader(CREDENTIALS, 'good')
    if (door === undefined) {
      res.setHeader('allow', methodsOf(doors, route))
      throw new MethodUnsupported()
    }
    const [need] = wanted
    if (door.action === undefined ? caller.isAnonymous : need === undefined) throw new NotAuthorized('denied')
    if (need !== undefined) grantOf(caller, need.name, need.action)
    await door.handle({ req, res, query, base: baseUrlOf(req, externalUrl), caller }, route)
  }

  function fail(req: IncomingMessage, res: ServerResponse, err: unknown, needs: readonly Need[]): void {
    if (isClientGone(req, res, err)) return void res.destroy()
    try {
      if (err instanceof NotAuthorized) {
        if (isBasic(req) && !res.hasHeader(CREDENTIALS)) res.setHeader(CREDENTIALS, 'bad')
        res.setHeader('www-authenticate', challengeOf(err, needs, baseUrlOf(req, externalUrl)))
      }
      if (err instanceof RangeInvalid && err.sizeBytes !== undefined) {
        res.setHeader('content-range', unsatisfiedRange(err.sizeBytes))
      }
      renderError(res, err, log)
    } catch (failure) {
      renderError(res, failure, log)
    }
  }

  const running = new Set<Promise<void>>()
  return {
    listener: (req, res) => {
      res.setHeader('docker-distribution-api-version', 'registry/2.0')
      const needs: Need[] = []
      const work = serve(req, res, needs)
        .catch((err) => fail(req, res, err, needs))
        .finally(() => running.delete(work))
      running.add(work)
    },
    settled: async () => void (await Promise.all(running)),
  }
}

/**
 * @throws {NotAuthorized} nothing of ours, asked by somebody without credentials: who is nobody learns nothing
 * @throws {NameInvalid} a name without a project
 */
function routeOf(req: IncomingMessage, path: string): V2Route {
  const route = matched(req, path)
  if ('name' in route) projectOf(route.name)
  return route
}

function matched(req: IncomingMessage, path: string): V2Route {
  try {
    const route = matchV2(path)
    if (route !== undefined) return route
    throw new NotFound('page not found')
  } catch (err) {
    if (req.headers.authorization === undefined) throw new NotAuthorized('token')
    const isReading = req.method === 'GET' || req.method === 'HEAD'
    throw isReading && path.includes('/manifests/') ? unknownWhenReading(err) : err
  }
}

function needsOf(route: V2Route, door: Door | undefined, query: URLSearchParams): Need[] {
  if (!('name' in route)) return []
  const also = door?.alsoWanted?.(query)
  const own: Need = { name: route.name, action: door?.action ?? 'pull' }
  return also === undefined ? [own] : [own, also]
}

function splitUrl(url: string): { path: string; query: URLSearchParams } {
  const mark = url.indexOf('?')
  if (mark === -1) return { path: url, query: NO_QUERY }
  return { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) }
}

const NO_QUERY = new URLSearchParams()
const CREDENTIALS = 'x-berth-credentials'

function isBasic(req: IncomingMessage): boolean {
  return /^basic /i.test(req.headers.authorization ?? '')
}

/** A client that breaks off is no failure of ours. */
function isClientGone(req: IncomingMessage, res: ServerResponse, err: unknown): boolean {
  if (err instanceof DomainError) return false
  return req.errored !== null || res.destroyed
}
