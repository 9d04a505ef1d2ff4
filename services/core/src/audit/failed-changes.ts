import type { Database } from '@berth/db'
import { currentContext, type Logger, withContext } from '@berth/runtime'
import type { Request, RequestHandler, Response } from 'express'
import { callerOf } from '../http/index.ts'
import { projectRefOf, projectStore } from '../project/index.ts'
import { type Attempt, findAttempt } from './attempt.ts'
import type { AuditTrail } from './audit-trail.ts'

/**
 * Records what somebody who has signed in tried to change and could not, once the answer is on its way. What was
 * committed although the answer is an error (saved, not yet in force) is recorded as done already and not again.
 */
export function failedChanges(deps: { database: Database; audit: AuditTrail; log: Logger }): RequestHandler {
  const { database, audit, log } = deps

  async function record(req: Request, res: Response, { project, ...what }: Attempt, path: string): Promise<void> {
    const description = `${req.method} ${path} was answered ${res.statusCode}`
    const ref = project && projectRefOf({ params: { project_name_or_id: project }, headers: req.headers })
    const projectId = ref ? (await projectStore.find(database, ref))?.id : undefined
    await audit.recordResult(database, callerOf(res), { ...what, projectId, description, succeeded: false })
  }

  return (req, res, next) => {
    const attempt = findAttempt(req.method, req.path)
    if (attempt === undefined) return next()
    const context = currentContext()
    // As it came: a router shows its routes only what is left of it.
    const { path } = req
    res.once('finish', () => {
      if (res.statusCode < 400 || callerOf(res).kind === 'anonymous' || audit.hasRecorded(context)) return
      const work = () =>
        record(req, res, attempt, path).catch((err) =>
          log.error('a failed action is missing from the audit log', { err }),
        )
      if (context) withContext(context, work)
      else void work()
    })
    next()
  }
}
