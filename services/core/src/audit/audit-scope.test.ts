import { describe, expect, it } from 'vitest'
import type { Caller, RobotGrant } from '../caller/caller.ts'
import { scopeOf } from './audit-scope.ts'

const user = { kind: 'user', id: 5, name: 'alice', admin: false } as const
const log = (scope: RobotGrant['scope']): RobotGrant => ({ scope, resource: 'log', action: 'list' })
const system: RobotGrant = { scope: 'system', resource: 'audit-log', action: 'list' }
const robot = (...grants: RobotGrant[]): Caller => ({ kind: 'robot', id: 1, name: 'r', level: 'system', grants })
const withToken = (ownerIsAdmin: boolean, ...grants: RobotGrant[]): Caller => ({
  ...user,
  token: { id: 1, grants, ownerIsAdmin, expiresAt: new Date(0) },
})
const byRoles = { kind: 'roles', userId: 5, roles: [1] }

describe('whose entries somebody sees', () => {
  it.each<[string, Caller, unknown]>([
    ['nobody: none', { kind: 'anonymous' }, { kind: 'none' }],
    ['an administrator: all', { ...user, admin: true }, { kind: 'all' }],
    ['a person: of the projects they are administrator of', user, byRoles],
    ['a robot of the system with audit-log: all', robot(system), { kind: 'all' }],
    ['a robot with log of every project: of projects', robot(log('every project')), { kind: 'projects' }],
    ['a robot with log of two projects: of these', robot(log(3), log(4)), { kind: 'some', ids: [3, 4] }],
    ['a robot without: none', robot({ scope: 3, resource: 'repository', action: 'pull' }), { kind: 'none' }],
    ['a token of one project: of it, if the person may', withToken(false, log(3)), { ...byRoles, ids: [3] }],
    ['a token of every project: what the person may', withToken(false, log('every project')), byRoles],
    ['a token without: none', withToken(false, system), { kind: 'none' }],
    ["an administrator's token of one project: of it", withToken(true, log(3)), { kind: 'some', ids: [3] }],
    ["an administrator's token with audit-log: all", withToken(true, system), { kind: 'all' }],
  ])('%s', (_name, caller, scope) => {
    expect(scopeOf(caller)).toEqual(scope)
  })
})
