import { NotFound } from '@berth/errors'
import type { Routed } from './config.ts'

const SESSION = /^\/v2\/.+\/blobs\/uploads\/([^/]+)$/

/**
 * Which service a path belongs to.
 *
 * @throws {NotFound} something below `/service` that is for services only
 */
export function routeOf(path: string): Routed {
  if (path === '/v2' || path.startsWith('/v2/')) return 'registry'
  if (path === '/service/token' || path === '/service/token/keys') return 'token'
  if (/^\/service(?:\/|$)/i.test(decodeURIComponent(path))) throw new NotFound('not found')
  return 'core'
}

/** The upload session a path is about; its requests stay on one replica. */
export function sessionOf(path: string): string | undefined {
  return SESSION.exec(path)?.[1]
}
