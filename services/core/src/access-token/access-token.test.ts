import { BadRequest } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { hashAccessToken, isAccessToken, newAccessToken, parseTokenRequest, tokenGrants } from './access-token.ts'

const pull = { resource: 'repository', action: 'pull' }
const inLibrary = { kind: 'project', namespace: 'library', access: [pull] }
const good = { name: 'laptop', permissions: [inLibrary] }

describe('an access token asked for', () => {
  it('lives thirty days unless said otherwise, and has each pair once', () => {
    const permissions = [{ ...inLibrary, access: [pull, { ...pull }] }]
    expect(parseTokenRequest({ ...good, name: ' laptop ', permissions })).toEqual({
      name: 'laptop',
      description: '',
      lifeDays: 30,
      permissions: [inLibrary],
    })
  })

  it('mixes projects and what is beside them', () => {
    const permissions = [
      inLibrary,
      { kind: 'project', namespace: '*', access: [pull] },
      { kind: 'system', namespace: '/', access: [{ resource: 'project', action: 'create' }] },
    ]
    expect(parseTokenRequest({ ...good, permissions, expires_in_days: 366 }).permissions).toEqual(permissions)
  })

  it.each([
    { name: '' },
    { name: '  ' },
    { name: 'a'.repeat(101) },
    { name: 'a\nb' },
    { description: 'x'.repeat(1_025) },
    { expires_in_days: 0 },
    { expires_in_days: -1 },
    { expires_in_days: 367 },
    { expires_in_days: 1.5 },
    { permissions: [] },
    { permissions: undefined },
    { permissions: [{ ...inLibrary, access: [] }] },
    { permissions: [{ ...inLibrary, namespace: '' }] },
    { permissions: [{ ...inLibrary, kind: 'galaxy' }] },
    { permissions: [inLibrary, inLibrary] },
    { permissions: Array.from({ length: 51 }, (_, at) => ({ ...inLibrary, namespace: `p${at}` })) },
    { permissions: [{ ...inLibrary, access: [{ resource: 'repository', action: 'fly' }] }] },
    { permissions: [{ ...inLibrary, access: [{ resource: 'constructor', action: 'name' }] }] },
    { permissions: [{ kind: 'system', namespace: 'library', access: [{ resource: 'user', action: 'list' }] }] },
    { permissions: [{ kind: 'system', namespace: '/', access: [pull] }] },
  ])('is refused with %o', (bad) => {
    expect(() => parseTokenRequest({ ...good, ...bad })).toThrow(BadRequest)
  })

  it.each([
    ['project', 'library', 'create'],
    ['project', 'library', 'update'],
    ['system', '/', 'create'],
  ])('makes no robots, which would outlive and outdo it (%s %s robot:%s)', (kind, namespace, action) => {
    const permissions = [{ kind, namespace, access: [{ resource: 'robot', action }] }]
    expect(() => parseTokenRequest({ ...good, permissions })).toThrow(BadRequest)
  })
})

describe('the token itself', () => {
  it('is random, and knows its own kind', () => {
    const tokens = Array.from({ length: 20 }, newAccessToken)
    expect(new Set(tokens).size).toBe(20)
    for (const token of tokens) expect(isAccessToken(token)).toBe(true)
    for (const text of ['', 'berth_pat_', 'Password1', `${tokens[0]}x`, `${tokens[0]?.slice(0, -1)}`, 'robot$ci']) {
      expect(isAccessToken(text)).toBe(false)
    }
  })

  it('is kept as an HMAC that hangs on a key', () => {
    const token = newAccessToken()
    const hash = hashAccessToken(Buffer.alloc(32, 1), token)
    expect(hash).toEqual(hashAccessToken(Buffer.alloc(32, 1), token))
    expect(hash).not.toEqual(hashAccessToken(Buffer.alloc(32, 2), token))
    expect(hash.toString('latin1')).not.toContain(token)
  })

  it('is spent with what it was given', () => {
    expect(tokenGrants([{ scope: 7, projectName: 'library', access: [pull] }])).toEqual([{ scope: 7, ...pull }])
  })
})
