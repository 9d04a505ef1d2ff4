import { Denied } from '@berth/errors'
import type { RequestHandler } from 'express'
import type { Settings } from './settings.ts'

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])
/** The way out of the mode, signing in and out, and what only looks whether somebody is there. */
const GOES_ON = [/^\/api\/v2\.0\/configurations\/?$/i, /^\/c\//i, /^\/api\/v2\.0\/(?:[a-z]+\/){0,2}ping\/?$/i]

/** Refuses every change while `read_only` holds, whoever wants it. */
export function refuseWhileReadOnly(settings: Settings): RequestHandler {
  return (req, _res, next) => {
    const refused = settings.get('read_only') && !SAFE.has(req.method) && !GOES_ON.some((path) => path.test(req.path))
    next(refused ? new Denied('The system is in read only mode. Any modification is prohibited.') : undefined)
  }
}
