import { describe, expect, it } from 'vitest'
import { ANONYMOUS, type Caller, isAdmin, type RobotGrant } from '../caller/caller.ts'
import { projectPermits, systemPermits, tokenAllows } from './permissions.ts'

const closed = { id: 7, public: false }
const open = { id: 7, public: true }
const user: Caller = { kind: 'user', id: 3, name: 'ann', admin: false }
const admin: Caller = { kind: 'user', id: 1, name: 'admin', admin: true }
const robot = (...grants: RobotGrant[]): Caller => ({ kind: 'robot', id: 9, name: 'robot$ci', level: 'system', grants })
const pull = { resource: 'repository', action: 'pull' }

describe('what somebody may do in a project', () => {
  it('is nothing without a role while it is not public', () => {
    expect(projectPermits(user, closed, [])('repository', 'pull')).toBe(false)
    expect(projectPermits(ANONYMOUS, closed, [])('project', 'read')).toBe(false)
  })

  it('is what the public column says, for everybody, while it is', () => {
    for (const caller of [ANONYMOUS, user, robot()]) {
      expect(projectPermits(caller, open, [])('repository', 'pull')).toBe(true)
      expect(projectPermits(caller, open, [])('repository', 'read')).toBe(false)
      expect(projectPermits(caller, open, [])('repository', 'push')).toBe(false)
    }
  })

  it('is the union of all roles', () => {
    const permits = projectPermits(user, closed, [5, 2])
    expect(permits('repository', 'push')).toBe(true)
    expect(permits('quota', 'read')).toBe(true)
    expect(permits('metadata', 'read')).toBe(false)
    expect(permits('artifact', 'delete')).toBe(false)
  })

  it('is everything for an administrator, with or without a role', () => {
    expect(projectPermits(admin, closed, [])('member', 'create')).toBe(true)
    expect(projectPermits(admin, closed, [5])('project', 'delete')).toBe(true)
    expect(projectPermits(admin, closed, [])('repository', 'no-such-action')).toBe(false)
  })

  it('is what a robot was given there, and not elsewhere', () => {
    const here = projectPermits(robot({ scope: 7, ...pull }), closed, [])
    expect(here('repository', 'pull')).toBe(true)
    expect(here('repository', 'push')).toBe(false)
    expect(projectPermits(robot({ scope: 8, ...pull }), closed, [])('repository', 'pull')).toBe(false)
    expect(projectPermits(robot({ scope: 'every project', ...pull }), closed, [])('repository', 'pull')).toBe(true)
    expect(projectPermits(robot({ scope: 'system', ...pull }), closed, [])('repository', 'pull')).toBe(false)
  })
})

describe('what somebody with an access token may do', () => {
  const withToken = (ownerIsAdmin: boolean, ...grants: RobotGrant[]): Caller => {
    const token = { id: 1, grants, ownerIsAdmin, expiresAt: new Date('2030-01-01') }
    return { kind: 'user', id: 3, name: 'ann', admin: false, token }
  }
  const push = { resource: 'repository', action: 'push' }

  it('is what both they and the token may', () => {
    const permits = projectPermits(withToken(false, { scope: 7, ...pull }, { scope: 7, ...push }), closed, [3])
    expect(permits('repository', 'pull')).toBe(true)
    expect(permits('repository', 'push')).toBe(false)
    expect(permits('tag', 'list')).toBe(false)
    expect(projectPermits(withToken(false, { scope: 8, ...pull }), closed, [1])('repository', 'pull')).toBe(false)
    expect(
      projectPermits(withToken(false, { scope: 'every project', ...pull }), closed, [1])('repository', 'pull'),
    ).toBe(true)
    expect(
      projectPermits(withToken(false, { scope: 'every project', ...pull }), closed, [])('repository', 'pull'),
    ).toBe(false)
  })

  it('is never less than anybody may in a public project', () => {
    expect(projectPermits(withToken(false), open, [])('repository', 'pull')).toBe(true)
    expect(projectPermits(withToken(false), open, [1])('repository', 'push')).toBe(false)
  })

  it('is no more for an administrator than the token says', () => {
    const caller = withToken(true, { scope: 7, ...pull }, { scope: 'system', resource: 'user', action: 'list' })
    expect(projectPermits(caller, closed, [])('repository', 'pull')).toBe(true)
    expect(projectPermits(caller, closed, [])('repository', 'push')).toBe(false)
    expect(systemPermits(caller)('user', 'list')).toBe(true)
    expect(systemPermits(caller)('user', 'delete')).toBe(false)
    expect(isAdmin(caller)).toBe(false)
  })

  it('is nothing beside projects for others, whatever the token says', () => {
    const caller = withToken(false, { scope: 'system', resource: 'user', action: 'list' })
    expect(systemPermits(caller)('user', 'list')).toBe(false)
  })

  it('is what everybody may only where the token says so too', () => {
    const create = { scope: 'system', resource: 'project', action: 'create' } as const
    expect(tokenAllows(withToken(false, create), 'project', 'create')).toBe(true)
    expect(tokenAllows(withToken(false), 'project', 'create')).toBe(false)
    expect(tokenAllows(user, 'project', 'create')).toBe(true)
  })
})

describe('what somebody may do beside projects', () => {
  it('is everything for administrators and nothing for other people', () => {
    expect(systemPermits(admin)('user', 'delete')).toBe(true)
    expect(systemPermits(user)('user', 'list')).toBe(false)
    expect(systemPermits(ANONYMOUS)('catalog', 'read')).toBe(false)
  })

  it('is what a robot was given at system level alone', () => {
    const read = { resource: 'catalog', action: 'read' }
    expect(systemPermits(robot({ scope: 'system', ...read }))('catalog', 'read')).toBe(true)
    expect(systemPermits(robot({ scope: 'system', ...read }))('user', 'list')).toBe(false)
    expect(systemPermits(robot({ scope: 'every project', ...read }))('catalog', 'read')).toBe(false)
    expect(systemPermits(robot({ scope: 7, ...read }))('catalog', 'read')).toBe(false)
  })
})
