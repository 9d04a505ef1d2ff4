import type { Database } from '@berth/db'
import { toErrorBody } from '@berth/errors'
import { currentContext, type Logger, withContext } from '@berth/runtime'
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'
import { callerOf } from '../http/index.ts'
import { projectRefOf, projectStore } from '../project/index.ts'
import { type Attempt, findAttempt } from './attempt.ts'
import type { AuditTrail } from './audit-trail.ts'

export interface FailedChanges {
  /** Before the routes. */
  answered: RequestHandler
  /** Behind them, for errors: whoever hangs up before the answer is seen all the same. */
  unheard: ErrorRequestHandler
}

/**
 * Records what somebody who has signed in tried to change and could not, once the answer is on its way. What was
 * committed although the answer is an error (saved, not yet in force) is recorded as done already and not again.
 */
export function failedChanges(deps: { database: Database; audit: AuditTrail; log: Logger }): FailedChanges {
  const { database, audit, log } = deps

  async function record(req: Request, res: Response, { project, ...what }: Attempt, description: string) {
    const ref = project && projectRefOf({ params: { project_name_or_id: project }, headers: req.headers })
    const projectId = ref ? (await projectStore.find(database, ref))?.id : undefined
    await audit.recordResult(database, callerOf(res), { ...what, projectId, description, succeeded: false })
  }

  function note(req: Request, res: Response, attempt: Attempt, how: { path: string; status: number }): void {
    const context = currentContext()
    if (how.status < 400 || callerOf(res).kind === 'anonymous' || audit.hasRecorded(context)) return
    const description = `${req.method} ${how.path} was answered ${how.status}`
    record(req, res, attempt, description).catch((err) =>
      log.error('a failed action is missing from the audit log', { err }),
    )
  }

  return {
    answered(req, res, next) {
      const attempt = findAttempt(req.method, req.path)
      if (attempt === undefined) return next()
      const context = currentContext()
      // As it came: a router shows its routes only what is left of it.
      const { path } = req
      res.once('finish', () => {
        const work = () => note(req, res, attempt, { path, status: res.statusCode })
        if (context) withContext(context, work)
        else work()
      })
      next()
    },
    unheard(err, req, res, next) {
      const attempt = res.destroyed ? findAttempt(req.method, req.path) : undefined
      if (attempt) note(req, res, attempt, { path: req.path, status: toErrorBody(err).status })
      next(err)
    },
  }
}
