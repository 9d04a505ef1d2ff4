import { type Queries, statement } from '@berth/db'
import { Router } from 'express'
import { refusal, requireSignedIn } from '../access/index.ts'
import { isAdmin } from '../caller/caller.ts'
import { callerOf } from '../http/index.ts'
import { PROJECT_CATALOGUE, SYSTEM_CATALOGUE } from './robot-catalogue.ts'

const administers = statement<{ yes: boolean }>(
  'robot-administers-a-project',
  `SELECT EXISTS (SELECT FROM members WHERE role_id = 1 AND (user_id = $1
     OR group_id IN (SELECT group_id FROM group_people WHERE user_id = $1))) AS yes`,
)

const pairsOf = (catalogue: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(catalogue).flatMap(([resource, actions]) => actions.map((action) => ({ resource, action })))

/** `/permissions`: what robots can be given, for whoever can make some. */
export function permissionRoutes(db: Queries): Router {
  const routes = Router()
  routes.get('/permissions', async (_req, res) => {
    const caller = callerOf(res)
    requireSignedIn(caller)
    if (isAdmin(caller)) return res.json({ system: pairsOf(SYSTEM_CATALOGUE), project: pairsOf(PROJECT_CATALOGUE) })
    const found = caller.kind === 'user' ? await db.find(administers, [caller.id]) : undefined
    if (!found?.yes) throw refusal(caller)
    res.json({ project: pairsOf(PROJECT_CATALOGUE) })
  })
  return routes
}
