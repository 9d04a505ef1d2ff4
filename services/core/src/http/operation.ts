import type { IncomingMessage } from 'node:http'

const FEATURES = new Set([
  'projects',
  'users',
  'usergroups',
  'access-tokens',
  'robots',
  'health',
  'ping',
  'systeminfo',
  'status',
  'logs',
  'token',
  'repositories',
  'search',
  'statistics',
  'icons',
])

/** A word of a small fixed set for a request: what its metrics are labelled with. */
export function operationOf(req: IncomingMessage): string {
  const { originalUrl, url = '' } = req as IncomingMessage & { originalUrl?: string }
  const path = (originalUrl ?? url).split('?')[0] ?? ''
  if (path.startsWith('/c/')) return 'session'
  const feature = /^\/api\/(?:v2\.0|berth\/v1)\/([a-z-]+)/.exec(path)?.[1]
  if (feature === undefined) return 'page'
  return FEATURES.has(feature) ? feature : 'other'
}
