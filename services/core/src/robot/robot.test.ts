import { BadRequest } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import {
  expirySeconds,
  grantsOf,
  hashRobotSecret,
  isRobotSecret,
  newRobotSecret,
  parseRobotLogin,
  parseRobotRequest,
  robotLogin,
} from './robot.ts'
import { catalogueHas, PROJECT_CATALOGUE, SYSTEM_CATALOGUE } from './robot-catalogue.ts'

const pull = { resource: 'repository', action: 'pull' }
const good = {
  name: 'ci',
  level: 'project',
  duration: 30,
  permissions: [{ kind: 'project', namespace: 'library', access: [pull] }],
}

describe('what a robot can be given', () => {
  const pairs = (catalogue: Readonly<Record<string, readonly string[]>>) => Object.values(catalogue).flat().length

  it('is seventy things at each level', () => {
    expect(pairs(SYSTEM_CATALOGUE)).toBe(70)
    expect(pairs(PROJECT_CATALOGUE)).toBe(70)
  })

  it('is nothing that makes it more than it is', () => {
    expect(catalogueHas(SYSTEM_CATALOGUE, 'robot', 'update')).toBe(false)
    expect(catalogueHas(PROJECT_CATALOGUE, 'robot', 'update')).toBe(false)
    expect(catalogueHas(SYSTEM_CATALOGUE, 'configuration', 'update')).toBe(false)
    expect(catalogueHas(PROJECT_CATALOGUE, 'configuration', 'read')).toBe(false)
    expect(catalogueHas(SYSTEM_CATALOGUE, 'constructor', 'name')).toBe(false)
  })
})

describe('a robot asked for', () => {
  it('is taken as it is, doubles left out', () => {
    const permissions = [{ kind: 'project', namespace: 'library', access: [pull, { ...pull, effect: 'allow' }] }]
    expect(parseRobotRequest({ ...good, permissions })).toEqual({
      name: 'ci',
      description: '',
      level: 'project',
      durationDays: 30,
      permissions: [{ kind: 'project', namespace: 'library', access: [pull] }],
    })
  })

  it.each([
    { name: '' },
    { name: 'CI' },
    { name: 'a+b' },
    { name: 'robot$ci' },
    { name: 'a'.repeat(256) },
    { description: 'x'.repeat(1_025) },
    { level: 'galaxy' },
    { level: undefined },
    { duration: 0 },
    { duration: undefined },
    { duration: -2 },
    { duration: 1.5 },
    { duration: 2_147_483_647 },
    { permissions: [] },
    { permissions: undefined },
    { permissions: [{ kind: 'project', namespace: 'library', access: [] }] },
    { permissions: [{ kind: 'project', namespace: '', access: [pull] }] },
    { permissions: [{ kind: 'project', namespace: '*', access: [pull] }] },
    { permissions: [{ kind: 'system', namespace: '/', access: [{ resource: 'catalog', action: 'read' }] }] },
    { permissions: [good.permissions[0], good.permissions[0]] },
    { permissions: [{ kind: 'project', namespace: 'library', access: [{ resource: 'repository', action: 'fly' }] }] },
    { permissions: [{ kind: 'project', namespace: 'library', access: [{ ...pull, effect: 'deny' }] }] },
    {
      level: 'system',
      permissions: [{ kind: 'system', namespace: 'library', access: [{ resource: 'catalog', action: 'read' }] }],
    },
    { level: 'system', permissions: [{ kind: 'system', namespace: '/', access: [pull] }] },
  ])('is refused with %o', (bad) => {
    expect(() => parseRobotRequest({ ...good, ...bad } as never)).toThrow(BadRequest)
  })

  it('mixes permissions at level system', () => {
    const permissions = [
      { kind: 'system', namespace: '/', access: [{ resource: 'catalog', action: 'read' }] },
      { kind: 'project', namespace: '*', access: [pull] },
    ]
    expect(parseRobotRequest({ ...good, level: 'system', duration: -1, permissions }).permissions).toHaveLength(2)
  })
})

describe('the name a robot signs in with', () => {
  it('has a prefix, and its project if it has one', () => {
    expect(robotLogin({ name: 'ci' }, 'robot$')).toBe('robot$ci')
    expect(robotLogin({ name: 'ci', project: { id: 1, name: 'library' } }, 'robot$')).toBe('robot$library+ci')
  })

  it.each([
    ['robot$ci', { name: 'ci' }],
    ['robot$library+ci', { project: 'library', name: 'ci' }],
    ['robot$a+b+c', { project: 'a', name: 'b+c' }],
    ['robot', undefined],
    ['ann', undefined],
  ])('is read back from %s', (login, parts) => {
    expect(parseRobotLogin(login, 'robot$')).toEqual(parts)
  })
})

describe('the secret of a robot', () => {
  const key = Buffer.alloc(32, 1)

  it('is long, random, and satisfies the password rule', () => {
    const secrets = Array.from({ length: 20 }, newRobotSecret)
    expect(new Set(secrets).size).toBe(20)
    for (const secret of secrets) expect(secret).toMatch(/^(?=.*[A-Z])(?=.*[a-z])(?=.*\d)[A-Za-z0-9]{32}$/)
  })

  it('is known by its HMAC alone', () => {
    const stored = hashRobotSecret(key, 'secret')
    expect(isRobotSecret(key, stored, 'secret')).toBe(true)
    expect(isRobotSecret(key, stored, 'Secret')).toBe(false)
    expect(isRobotSecret(Buffer.alloc(32, 2), stored, 'secret')).toBe(false)
    expect(isRobotSecret(key, undefined, 'secret')).toBe(false)
  })
})

describe('the life of a robot', () => {
  const createdAt = new Date('2026-01-01T00:00:00.900Z')

  it('ends so many days after its creation, or never', () => {
    expect(expirySeconds({ createdAt, durationDays: 2 })).toBe(Date.parse('2026-01-03T00:00:00Z') / 1_000)
    expect(expirySeconds({ createdAt, durationDays: -1 })).toBeUndefined()
    expect(expirySeconds({ createdAt, durationDays: 2_147_483_646 })).toBeGreaterThan(1e14)
  })

  it('is spent with what it was given', () => {
    expect(
      grantsOf([
        { scope: 7, access: [pull] },
        { scope: 'system', access: [{ resource: 'catalog', action: 'read' }] },
      ]),
    ).toEqual([
      { scope: 7, ...pull },
      { scope: 'system', resource: 'catalog', action: 'read' },
    ])
  })
})
