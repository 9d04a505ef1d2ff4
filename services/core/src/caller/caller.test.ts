import { Unauthorized } from '@berth/errors'
import { silentLogger } from '@berth/runtime'
import { describe, expect, it } from 'vitest'
import type { Account } from '../user/index.ts'
import { createAttempts } from './attempts.ts'
import { parseBasic } from './authenticate.ts'
import { createBasicSignIn, type PasswordSource } from './basic-sign-in.ts'
import { createPasswordHasher, type PasswordHasher } from './password.ts'

describe('a hashed password', () => {
  const hasher = createPasswordHasher()

  it('is an argon2id PHC string with a salt of its own', async () => {
    const [one, other] = [await hasher.hash('Right-1'), await hasher.hash('Right-1')]
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
    expect(one).not.toBe(other)
  })

  it('is known again, and no other is', async () => {
    const stored = await hasher.hash('Right-1')
    expect(await hasher.verify(stored, 'Right-1')).toBe(true)
    expect(await hasher.verify(stored, 'right-1')).toBe(false)
    expect(await hasher.verify(stored, '')).toBe(false)
  })

  it('is never right when there is none, cannot be read, or the password is endless', async () => {
    expect(await hasher.verify(undefined, 'Right-1')).toBe(false)
    expect(await hasher.verify(null, '')).toBe(false)
    expect(await hasher.verify('$2a$10$bcrypt', 'Right-1')).toBe(false)
    expect(await hasher.verify('$argon2id$v=19$m=99999999,t=2,p=1$AAAA$AAAA', 'x')).toBe(false)
    expect(await hasher.verify(await hasher.hash('Right-1'), 'x'.repeat(2_000))).toBe(false)
  })
})

describe('basic credentials', () => {
  const header = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

  it('are a name and a password, parted by the first colon', () => {
    expect(parseBasic(header('ann:a:b'))).toEqual({ username: 'ann', password: 'a:b' })
    expect(parseBasic(header('robot$library+ci:ä'))).toEqual({ username: 'robot$library+ci', password: 'ä' })
  })

  it.each(['', 'Basic', 'Basic !', header('nocolon'), 'Bearer eyJ', 'Digest a'])('refuses %s', (text) => {
    expect(() => parseBasic(text)).toThrow(Unauthorized)
  })
})

describe('signing in', () => {
  const ann: Account = {
    id: 3,
    username: 'ann',
    sysadmin: false,
    groupAdmin: false,
    passwordHash: 'Right-1',
    authRevision: 1,
  }

  function setUp(elsewhere: readonly PasswordSource[] = []) {
    const accounts = new Map([[ann.username, { ...ann }]])
    const hashed: string[] = []
    const hasher: PasswordHasher = {
      hash: async (password) => password,
      verify: async (stored, password) => {
        hashed.push(password)
        await new Promise((resolve) => setTimeout(resolve, 5))
        return stored === password
      },
    }
    const sources = {
      accountByName: async (name: string) => accounts.get(name),
      accountById: async (id: number) => [...accounts.values()].find((account) => account.id === id),
      robot: () => undefined,
      accessToken: () => undefined,
      elsewhere,
    }
    const attempts = createAttempts({ perAccount: 10, perAddress: 30 })
    return { basic: createBasicSignIn({ sources, hasher, attempts, log: silentLogger }), hashed, accounts }
  }

  it('hashes once what is sent again, at once or soon after', async () => {
    const { basic, hashed } = setUp()
    const callers = await Promise.all([1, 2, 3].map(() => basic.signIn('ann', 'Right-1')))
    callers.push(await basic.signIn('ann', 'Right-1'))
    expect(callers).toEqual(
      Array.from({ length: 4 }, () => ({ kind: 'user', id: 3, name: 'ann', admin: false, authRevision: 1 })),
    )
    expect(hashed).toEqual(['Right-1'])
  })

  it('forgets the moment the account changes its password or is gone', async () => {
    const { basic, accounts } = setUp()
    await basic.signIn('ann', 'Right-1')
    accounts.set('ann', { ...ann, passwordHash: 'Other-2', authRevision: 2 })
    await expect(basic.signIn('ann', 'Right-1')).rejects.toThrow(Unauthorized)
    await basic.signIn('ann', 'Other-2')
    accounts.delete('ann')
    await expect(basic.signIn('ann', 'Other-2')).rejects.toThrow(Unauthorized)
  })

  it('tells at once that an account has become an administrator', async () => {
    const { basic, accounts } = setUp()
    await basic.signIn('ann', 'Right-1')
    accounts.set('ann', { ...ann, sysadmin: true })
    expect(await basic.signIn('ann', 'Right-1')).toMatchObject({ admin: true })
  })

  it('lets people sign in elsewhere while that is the way, and the admin always here', async () => {
    const asked: string[] = []
    let isActive = true
    const directory: PasswordSource = {
      isActive: () => isActive,
      isRemembered: true,
      signIn: async (name, password) => {
        asked.push(name)
        return password === 'Outside-1' ? { kind: 'user', id: 3, name: 'ann', admin: false } : undefined
      },
    }
    const { basic, accounts } = setUp([directory])
    accounts.set('admin', { ...ann, id: 1, username: 'admin', sysadmin: true })
    for (const _ of [1, 2]) expect(await basic.signIn('ann', 'Outside-1')).toMatchObject({ id: 3 })
    await expect(basic.signIn('ann', 'Right-1')).rejects.toThrow(Unauthorized)
    expect(await basic.signIn('admin', 'Right-1')).toMatchObject({ id: 1, admin: true })
    expect(asked).toEqual(['ann', 'ann'])
    isActive = false
    await expect(basic.signIn('ann', 'Outside-1')).rejects.toThrow(Unauthorized)
    expect(await basic.signIn('ann', 'Right-1')).toMatchObject({ id: 3 })
  })

  it('asks again each time where what was right may not be remembered', async () => {
    const paths: (string | undefined)[] = []
    const provider: PasswordSource = {
      isActive: () => true,
      isRemembered: false,
      signIn: async (_name, _password, { path }) => {
        paths.push(path)
        return { kind: 'user', id: 3, name: 'ann', admin: false }
      },
    }
    const { basic } = setUp([provider])
    for (const path of ['/api/v2.0/projects', '/api/v2.0/users']) await basic.signIn('ann', 'Secret-1', { path })
    expect(paths).toEqual(['/api/v2.0/projects', '/api/v2.0/users'])
  })

  it.each([true, false])(
    'takes what is right however much is asked for at once (remembered: %s)',
    async (isRemembered) => {
      const provider: PasswordSource = {
        isActive: () => true,
        isRemembered,
        signIn: async () => {
          await new Promise((resolve) => setTimeout(resolve, 5))
          return { kind: 'user', id: 3, name: 'ann', admin: false }
        },
      }
      const [here, elsewhere] = [setUp(), setUp([provider])]
      for (const { basic } of [here, elsewhere]) {
        const paths = Array.from({ length: 40 }, (_, at) => `/api/v2.0/projects/${at}`)
        const signIns = paths.map((path) =>
          basic.signIn('ann', 'Right-1', { address: '192.0.2.1', method: 'GET', path }),
        )
        expect(new Set((await Promise.all(signIns)).map(({ id }) => id))).toEqual(new Set([3]))
      }
      expect(here.hashed).toEqual(['Right-1'])
    },
  )

  it('takes who is an administrator by a group for one', async () => {
    const { basic, accounts } = setUp()
    accounts.set('ann', { ...ann, groupAdmin: true })
    expect(await basic.signIn('ann', 'Right-1')).toMatchObject({ admin: true })
  })

  it('remembers nothing that was wrong, and hashes for unknown names too', async () => {
    const { basic, hashed } = setUp()
    for (const name of ['ann', 'ann', 'nobody'])
      await expect(basic.signIn(name, 'Wrong-1')).rejects.toThrow(Unauthorized)
    expect(hashed.length).toBe(3)
  })

  it('refuses all wrong credentials with the same words', async () => {
    const { basic } = setUp()
    const attempts = [
      ['ann', 'Wrong-1'],
      ['nobody', 'Wrong-1'],
      ['', 'x'],
      ['ann', ''],
      ['a\0nn', 'x'],
      ['x'.repeat(300), 'x'],
    ] as const
    const messages = await Promise.all(
      attempts.map(([name, password]) => basic.signIn(name, password).catch((err: Error) => err.message)),
    )
    expect(new Set(messages)).toEqual(new Set(['invalid user name or password']))
  })
})
