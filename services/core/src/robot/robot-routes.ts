import { pageHeaders } from '@berth/db'
import { Router } from 'express'
import { z } from 'zod'
import { callerOf, listPage, parseBody, parseQuery, pathNumber } from '../http/index.ts'
import type { Settings } from '../setting/settings.ts'
import { expirySeconds, type Robot, robotLogin } from './robot.ts'
import type { Robots } from './robot-service.ts'

const ListQuery = z.object({ q: z.string().optional(), sort: z.string().optional() })
const NewRobot = z.object({
  name: z.string().optional(),
  description: z.string().optional(),
  level: z.string().optional(),
  duration: z.number().optional(),
  permissions: z
    .array(
      z.object({
        kind: z.string().optional(),
        namespace: z.string().optional(),
        access: z
          .array(
            z.object({
              resource: z.string().optional(),
              action: z.string().optional(),
              effect: z.string().optional(),
            }),
          )
          .optional(),
      }),
    )
    .optional(),
})

const RobotChange = NewRobot.extend({ disable: z.boolean().optional() })
const NewSecret = z.object({ secret: z.string().optional() })
const MAX_OVERLAP_SECONDS = 30 * 86_400
const Rotation = z.object({ overlap_seconds: z.number().int().min(1).max(MAX_OVERLAP_SECONDS).default(3_600) })

/** Ours, below `/api/berth/v1`: a new secret beside which the old one holds for a while. */
export function robotRotationRoutes(robots: Robots): Router {
  const routes = Router()
  routes.post('/robots/:robot_id/rotate', async (req, res) => {
    const { overlap_seconds: overlap } = parseBody(Rotation, req)
    const { secret, previousUntil } = await robots.rotate(callerOf(res), pathNumber(req, 'robot_id'), overlap)
    res.json({ secret, previous_until: previousUntil.toISOString() })
  })
  return routes
}

export function robotRoutes(robots: Robots, settings: Settings): Router {
  const routes = Router()
  const login = (robot: Robot) => robotLogin(robot, settings.get('robot_name_prefix'))

  routes.get('/robots', async (req, res) => {
    const page = listPage(req)
    const { robots: found, total } = await robots.list(callerOf(res), parseQuery(ListQuery, req), page)
    res.set(pageHeaders(req.originalUrl, page, total))
    res.json(found.map((robot) => toRobotBody(robot, login(robot))))
  })
  routes.post('/robots', async (req, res) => {
    const { robot, secret } = await robots.create(callerOf(res), parseBody(NewRobot, req))
    res.status(201).location(`/api/v2.0/robots/${robot.id}`)
    res.json({
      id: robot.id,
      name: login(robot),
      secret,
      creation_time: robot.createdAt.toISOString(),
      expires_at: expirySeconds(robot) ?? -1,
    })
  })
  routes.get('/robots/:robot_id', async (req, res) => {
    const robot = await robots.get(callerOf(res), pathNumber(req, 'robot_id'))
    res.json(toRobotBody(robot, login(robot)))
  })
  routes.put('/robots/:robot_id', async (req, res) => {
    await robots.update(callerOf(res), pathNumber(req, 'robot_id'), parseBody(RobotChange, req))
    res.status(200).end()
  })
  routes.patch('/robots/:robot_id', async (req, res) => {
    const { secret } = parseBody(NewSecret, req)
    res.json({ secret: await robots.refresh(callerOf(res), pathNumber(req, 'robot_id'), secret) })
  })
  routes.delete('/robots/:robot_id', async (req, res) => {
    await robots.delete(callerOf(res), pathNumber(req, 'robot_id'))
    res.status(200).end()
  })
  return routes
}

function toRobotBody(robot: Robot, name: string): Record<string, unknown> {
  return {
    id: robot.id,
    name,
    description: robot.description,
    level: robot.project ? 'project' : 'system',
    duration: robot.durationDays,
    editable: true,
    disable: robot.disabled,
    expires_at: expirySeconds(robot) ?? -1,
    permissions: robot.permissions.map(({ scope, projectName, access }) => ({
      kind: scope === 'system' ? 'system' : 'project',
      namespace: scope === 'system' ? '/' : scope === 'every project' ? '*' : projectName,
      access,
    })),
    creator_type: robot.creator.kind === 'user' ? 'local' : 'robot',
    creator_ref: robot.creator.id,
    creation_time: robot.createdAt.toISOString(),
    update_time: robot.updatedAt.toISOString(),
  }
}
