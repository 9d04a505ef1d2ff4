import { describe, expect, it } from 'vitest'
import { ANONYMOUS, type Caller, type RobotGrant } from '../caller/caller.ts'
import { projectPermits, systemPermits } from './permissions.ts'

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
