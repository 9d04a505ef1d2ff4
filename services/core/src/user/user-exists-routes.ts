import { PreconditionFailed } from '@berth/errors'
import { Router, urlencoded } from 'express'
import { z } from 'zod'
import { callerOf, parseBody } from '../http/index.ts'
import type { Users } from './user-service.ts'

const Question = z.object({ target: z.enum(['username', 'email']), value: z.string().min(1).max(255) })

/** `/c/userExists`: whether a name or mail address is taken, for the form people register with. */
export function userExistsRoutes(users: Users): Router {
  const routes = Router()
  routes.post('/c/userExists', urlencoded({ extended: false, limit: '4kb', parameterLimit: 20 }), async (req, res) => {
    const caller = callerOf(res)
    if (!users.mayAskForNames(caller)) throw new PreconditionFailed('nobody can register themselves here')
    const { target, value } = parseBody(Question, req)
    res.json(await users.isTaken(target, value))
  })
  return routes
}
