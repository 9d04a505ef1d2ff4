import { Unauthorized, Unavailable } from '@berth/errors'
import { parseRepositoryName } from '@berth/oci'
import { describe, expect, it, vi } from 'vitest'
import { type AskGrant, basicCredentials } from './basic-credentials.ts'
import type { Need } from './caller.ts'

const need: Need = { name: parseRepositoryName('library/app'), action: 'pull' }
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

function granting(actions: string[]): AskGrant {
  return async ({ scopes }) => ({
    identity: { kind: 'user', name: 'alice', id: 3, admin: false },
    access: scopes.map(({ type, name }) => ({ type, name, actions, project: 1, rev: 1 })),
    tokenSeconds: 600,
  })
}

describe('basic credentials', () => {
  it('are shown to core with everything that may be done', async () => {
    const ask = vi.fn(granting(['pull']))
    const caller = await basicCredentials(ask).callerOf(basic('alice:pass:word'), [need], '1.2.3.4')
    expect(ask).toHaveBeenCalledWith({
      credentials: { kind: 'basic', username: 'alice', password: 'pass:word' },
      scopes: [{ type: 'repository', name: 'library/app', actions: ['pull', 'push', 'delete'] }],
      address: '1.2.3.4',
    })
    expect(caller).toMatchObject({ subject: 'user:3', name: 'alice', isAnonymous: false })
    expect(caller.findGrant(need.name, 'push')).toBeUndefined()
  })

  it('are asked about once while many wait, and remembered for each repository', async () => {
    const ask = vi.fn(granting(['pull']))
    const credentials = basicCredentials(ask)
    await Promise.all(Array.from({ length: 5 }, () => credentials.callerOf(basic('a:b'), [need], undefined)))
    await credentials.callerOf(basic('a:b'), [need], undefined)
    expect(ask).toHaveBeenCalledTimes(1)
    await credentials.callerOf(basic('a:b'), [{ ...need, name: parseRepositoryName('library/other') }], undefined)
    await credentials.callerOf(basic('a:c'), [need], undefined)
    expect(ask).toHaveBeenCalledTimes(3)
  })

  it('are asked about again when they do not allow enough', async () => {
    const ask = vi.fn(granting(['pull']))
    const credentials = basicCredentials(ask)
    for (let i = 0; i < 3; i++) await credentials.callerOf(basic('a:b'), [{ ...need, action: 'push' }], undefined)
    expect(ask).toHaveBeenCalledTimes(3)
  })

  it('that are nobody’s are denied, and core being away is no denial', async () => {
    const refuse = (err: Error) => basicCredentials(() => Promise.reject(err)).callerOf(basic('a:b'), [need], undefined)
    await expect(refuse(new Unauthorized('no'))).rejects.toMatchObject({ code: 'UNAUTHORIZED', challenge: 'denied' })
    await expect(refuse(new Unavailable('away'))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it.each(['Basic', 'Basic !', basic('nocolon'), basic(':x'), basic(`${'u'.repeat(600)}:x`), basic('a\0:b')])(
    'that cannot be read are denied unasked: %s',
    async (header) => {
      const ask = vi.fn(granting(['pull']))
      await expect(basicCredentials(ask).callerOf(header, [need], undefined)).rejects.toMatchObject({
        challenge: 'denied',
      })
      expect(ask).not.toHaveBeenCalled()
    },
  )
})
