import type { Queries } from '@berth/db'
import { describe, expect, it } from 'vitest'
import { ANONYMOUS, type Caller, type RobotGrant, type UserCaller } from '../caller/caller.ts'
import { visibleProjects } from './visible.ts'

const ids = (count: number) => Array.from({ length: count }, (_, n) => n + 1)

/** A database in which the user is in these projects. */
const memberOf = (own: readonly number[]): Queries => ({
  run: async <Row>() => own.map((project_id) => ({ project_id })) as Row[],
  find: async () => undefined,
})
const see = (caller: Caller, own: readonly number[] = []) =>
  visibleProjects(memberOf(own), caller, ['repository', 'list'])
const some = (...projects: number[]) => ({ kind: 'some', ids: projects, publicToo: true })
const list = (scope: RobotGrant['scope'], action = 'list'): RobotGrant => ({ scope, resource: 'repository', action })
const user: UserCaller = { kind: 'user', id: 3, name: 'ann', admin: false }
const robot = (...grants: RobotGrant[]): Caller => ({ kind: 'robot', id: 1, name: 'robot$x', level: 'system', grants })
const token = (ownerIsAdmin: boolean, ...grants: RobotGrant[]): UserCaller => ({
  ...user,
  token: { id: 1, grants, ownerIsAdmin, expiresAt: new Date(0) },
})

describe('the projects somebody may look into', () => {
  it('are all for an administrator, the public ones for nobody, and a user’s own besides', async () => {
    expect(await see({ ...user, admin: true })).toEqual({ kind: 'all' })
    expect(await see(ANONYMOUS, [7])).toEqual(some())
    expect(await see(user, [7, 8])).toEqual(some(7, 8))
  })

  it('are for a robot those it was given this for', async () => {
    expect(await see(robot(list(7), list(8, 'pull'), list('system')), [9])).toEqual(some(7))
    expect(await see(robot(list(7), list('every project')))).toEqual({ kind: 'all' })
    expect(await see(robot(list('every project', 'pull')))).toEqual(some())
  })

  it('are with an access token what both the person and the token may', async () => {
    expect(await see(token(false, list(7), list(9)), [7, 8])).toEqual(some(7))
    expect(await see(token(false, list('every project')), [7, 8])).toEqual(some(7, 8))
    expect(await see(token(false, list('every project', 'pull')), [7, 8])).toEqual(some())
    expect(await see(token(true, list(9)), [7, 8])).toEqual(some(9))
    expect(await see(token(true, list('every project')))).toEqual({ kind: 'all' })
  })

  it('are so many that an ask can carry them', async () => {
    expect(await see(user, ids(12_000))).toEqual(some(...ids(10_000)))
  })
})
