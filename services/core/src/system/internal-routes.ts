import { type Database, isUniqueViolation, statement } from '@berth/db'
import { Conflict, Forbidden } from '@berth/errors'
import type { Bus } from '@berth/messaging'
import { usageReconcile } from '@berth/types'
import { Router } from 'express'
import { refusal, requireAdmin } from '../access/index.ts'
import type { AuditTrail } from '../audit/index.ts'
import { callerOf } from '../http/index.ts'
import { sessionStore } from '../session/session-store.ts'
import { ADMIN_ID } from '../user/index.ts'

const RENAMED = 'admin@harbor.local'

const rename = statement<{ id: number }>(
  'admin-rename',
  `UPDATE users SET username = $2, auth_revision = auth_revision + 1, updated_at = now()
    WHERE id = $1 AND username = 'admin' RETURNING id`,
)

/** `/api/internal`: two things Harbor lets administrators do beside its API. */
export function internalRoutes(deps: { database: Database; bus: Pick<Bus, 'ask'>; audit: AuditTrail }): Router {
  const { database, bus, audit } = deps
  const routes = Router()

  // The way out for a suite whose directory has an `admin` of its own.
  routes.post('/api/internal/renameadmin', async (_req, res) => {
    const caller = callerOf(res)
    requireAdmin(caller)
    if (caller.id !== ADMIN_ID) throw refusal(caller)
    try {
      await database.transaction(async (tx) => {
        if (!(await tx.find(rename, [ADMIN_ID, RENAMED]))) throw new Forbidden('the admin has another name already')
        await sessionStore.removeOthers(tx, ADMIN_ID)
        const description = `name admin to ${RENAMED}`
        await audit.record(tx, caller, { operation: 'update', resourceType: 'user', resource: RENAMED, description })
      })
    } catch (err) {
      if (isUniqueViolation(err, 'users_username_key')) throw new Conflict(`somebody else is called ${RENAMED}`)
      throw err
    }
    res.status(200).end()
  })
  routes.post('/api/internal/syncquota', async (_req, res) => {
    requireAdmin(callerOf(res))
    await bus.ask(usageReconcile, {})
    res.status(200).end()
  })
  return routes
}
