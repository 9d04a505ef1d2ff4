import { createEgress, type EgressSettings, egressSettings } from '@berth/egress'
import { Conflict, Unavailable } from '@berth/errors'
import { type Logger, silentLogger } from '@berth/runtime'
import { generate } from 'selfsigned'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ExternalPerson } from '../identity/index.ts'
import type { Settings } from '../setting/index.ts'
import { type LdapDouble, type LdapEntry, startLdapDouble } from '../testing/ldap-double.ts'
import { createLdapSignIn } from './ldap-sign-in.ts'

const BASE = 'dc=example,dc=org'
const SEARCHER = { dn: `cn=reader,${BASE}`, password: 'reader-secret' }
const person = (uid: string, more: Partial<LdapEntry['attributes']> = {}): LdapEntry => ({
  dn: `uid=${uid},ou=people,${BASE}`,
  password: `${uid}-password`,
  attributes: { uid, cn: `${uid} Example`, mail: `${uid}@example.org`, ...more } as LdapEntry['attributes'],
})
const group = (cn: string, more: Record<string, string[]>): LdapEntry => ({
  dn: `cn=${cn},ou=groups,${BASE}`,
  attributes: { cn, objectClass: 'groupOfNames', ...more },
})
const groupDn = (cn: string) => `cn=${cn},ou=groups,${BASE}`

let certificate: { private: string; cert: string }
const running: LdapDouble[] = []

beforeAll(async () => {
  certificate = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  })
})
afterEach(async () => {
  for (const double of running.splice(0)) await double.stop()
})

async function directory(
  entries: LdapEntry[],
  options: { tls?: boolean; isLdaps?: boolean } = {},
): Promise<LdapDouble> {
  const tls = options.tls ? { key: certificate.private, cert: certificate.cert } : undefined
  const double = await startLdapDouble({
    entries: [{ dn: SEARCHER.dn, password: SEARCHER.password, attributes: {} }, ...entries],
    tls,
    isLdaps: options.isLdaps,
  })
  double.searchers = [SEARCHER.dn]
  running.push(double)
  return double
}

const DEFAULTS: Record<string, unknown> = {
  auth_mode: 'ldap_auth',
  ldap_base_dn: BASE,
  ldap_filter: '',
  ldap_uid: 'uid',
  ldap_scope: 2,
  ldap_search_dn: SEARCHER.dn,
  ldap_search_password: SEARCHER.password,
  ldap_timeout: 2,
  ldap_verify_cert: true,
  ldap_group_base_dn: '',
  ldap_group_admin_dn: '',
  ldap_group_attribute_name: '',
  ldap_group_search_filter: '',
  ldap_group_search_scope: 2,
  ldap_group_membership_attribute: 'memberof',
  ldap_group_attach_parallel: false,
  ldap_starttls: false,
  ldap_ca_certificate: '',
}

interface Setup {
  settings?: Record<string, unknown>
  egress?: EgressSettings
  refuse?: Error
}

function signInAt(double: LdapDouble, { settings = {}, egress, refuse }: Setup = {}) {
  const values: Record<string, unknown> = { ldap_url: `ldap://127.0.0.1:${double.port}`, ...DEFAULTS, ...settings }
  const people: ExternalPerson[] = []
  const said: unknown[] = []
  const log: Logger = { ...silentLogger, warn: (...what) => void said.push(what) }
  const source = createLdapSignIn({
    settings: { get: (name: string) => values[name] } as unknown as Settings,
    egress: createEgress({ settings: egress ?? egressSettings({ BERTH_EGRESS_ALLOW: '127.0.0.1' }), log }),
    identities: {
      signIn: async (one) => {
        if (refuse) throw refuse
        people.push(one)
        return { kind: 'user', id: 7, name: one.username, admin: one.groupAdmin }
      },
    },
    log,
  })
  return { people, said, signIn: (username: string, password: string) => source.signIn(username, password, {}) }
}

/** An entry with a value that says it is longer than all of it. */
const LYING_ENTRY = Buffer.from('3017020102641204 0463 6e3d61 300a 3008 0402636e 3102 047f'.replaceAll(' ', ''), 'hex')

const namesOf = (one: ExternalPerson | undefined) => one?.groups.map(({ name }) => name).sort()

describe('signing in with a directory', () => {
  it('searches for the name, binds as who was found, and tells who it is', async () => {
    const double = await directory([person('ada'), person('bob')])
    const { signIn, people } = signInAt(double)
    expect(await signIn('ADA', 'ada-password')).toEqual({ kind: 'user', id: 7, name: 'ada', admin: false })
    expect(people).toEqual([
      {
        provider: 'ldap',
        issuer: 'ldap',
        subject: `uid=ada,ou=people,${BASE}`,
        username: 'ada',
        realname: 'ada Example',
        email: 'ada@example.org',
        groups: [],
        groupAdmin: false,
      },
    ])
    expect(double.binds.map(({ dn }) => dn)).toEqual([SEARCHER.dn, `uid=ada,ou=people,${BASE}`, SEARCHER.dn])
    expect(double.connections).toBe(1)
  })

  it('knows an entry by what outlives its moves, if the directory has it', async () => {
    const id = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'
    const guid = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
    const double = await directory([person('ada', { entryUUID: id }), person('bob', { objectGUID: [guid] })])
    const { signIn, people } = signInAt(double)
    await signIn('ada', 'ada-password')
    await signIn('bob', 'bob-password')
    expect(people.map(({ subject }) => subject)).toEqual([
      `entryUUID:${id.toLowerCase()}`,
      'objectGUID:00112233445566778899aabbccddeeff',
    ])
  })

  it('refuses a wrong password, an unknown name and one that several have, with as many questions each', async () => {
    const twin = { ...person('twin'), dn: `uid=twin,ou=others,${BASE}` }
    const double = await directory([person('ada'), person('twin'), twin])
    const { signIn, people } = signInAt(double)
    const counts: number[] = []
    for (const [name, password] of [
      ['ada', 'wrong'],
      ['nobody', 'wrong'],
      ['twin', 'twin-password'],
    ] as const) {
      const before = double.binds.length + double.searches.length
      expect(await signIn(name, password)).toBeUndefined()
      counts.push(double.binds.length + double.searches.length - before)
    }
    expect(new Set(counts).size).toBe(1)
    expect(people).toEqual([])
  })

  it('never asks about an empty password, which many directories take for nobody’s and accept', async () => {
    const double = await directory([person('ada')])
    const { signIn } = signInAt(double)
    expect(await signIn('ada', '')).toBeUndefined()
    expect(double.connections).toBe(0)
  })

  it.each(['*', 'a*', 'ada)(uid=*', '*)(|(uid=*', 'ada\\2a', '\\00', 'ada)(objectClass=*'])(
    'takes %s for a name and not for a part of a filter',
    async (name) => {
      const double = await directory([person('ada')])
      const { signIn } = signInAt(double, { settings: { ldap_filter: 'cn=*' } })
      expect(await signIn(name, 'ada-password')).toBeUndefined()
      const filter = double.searches.at(-1)?.filter ?? ''
      expect(filter.match(/\(uid=/g)).toHaveLength(1)
    },
  )

  it('finds only who fits the filter, below the base, as deep as the scope says', async () => {
    const away = { ...person('eve'), dn: 'uid=eve,dc=elsewhere' }
    const double = await directory([person('ada', { employeeType: 'staff' }), person('bob'), away])
    const staff = signInAt(double, { settings: { ldap_filter: '(employeeType=staff)' } })
    expect(await staff.signIn('ada', 'ada-password')).toBeDefined()
    expect(await staff.signIn('bob', 'bob-password')).toBeUndefined()
    const one = signInAt(double, { settings: { ldap_scope: 1 } })
    expect(await one.signIn('ada', 'ada-password')).toBeUndefined()
    const near = signInAt(double, { settings: { ldap_scope: 1, ldap_base_dn: `ou=people,${BASE}` } })
    expect(await near.signIn('ada', 'ada-password')).toBeDefined()
    expect(await near.signIn('eve', 'eve-password')).toBeUndefined()
  })

  it('is refused to who may not become a user, without a word of why', async () => {
    const double = await directory([person('ada')])
    const { signIn, said } = signInAt(double, { refuse: new Conflict('taken') })
    expect(await signIn('ada', 'ada-password')).toBeUndefined()
    expect(JSON.stringify(said)).toContain('somebody of the directory cannot be a user')
  })
})

describe('groups of a directory', () => {
  const nested = [
    person('ada', { memberOf: [groupDn('devs'), groupDn('gone')] }),
    group('devs', { memberOf: [groupDn('staff')] }),
    group('staff', { memberOf: [groupDn('all'), groupDn('devs')] }),
    group('all', {}),
  ]

  it.each([false, true])(
    'are those of the entry and those they are in, round in circles or not (parallel: %s)',
    async (many) => {
      const double = await directory(nested)
      const { signIn, people } = signInAt(double, {
        settings: { ldap_group_attach_parallel: many, ldap_group_admin_dn: 'CN=all, OU=Groups, DC=example,DC=org' },
      })
      expect(await signIn('ada', 'ada-password')).toMatchObject({ admin: true })
      expect(namesOf(people[0])).toEqual(['all', 'devs', 'staff'])
      expect(people[0]?.groups[0]).toEqual({ name: 'devs', dn: groupDn('devs') })
    },
  )

  it('are only those below the base and of the filter, and nothing is reached through others', async () => {
    const double = await directory([
      person('ada', { memberOf: [groupDn('devs'), `cn=outside,${BASE}`, groupDn('odd')] }),
      {
        dn: `cn=outside,${BASE}`,
        attributes: { cn: 'outside', objectClass: 'groupOfNames', memberOf: [groupDn('all')] },
      },
      { dn: groupDn('odd'), attributes: { cn: 'odd', objectClass: 'device', memberOf: [groupDn('all')] } },
      group('devs', {}),
      group('all', {}),
    ])
    const { signIn, people } = signInAt(double, {
      settings: { ldap_group_base_dn: `ou=groups,${BASE}`, ldap_group_search_filter: 'objectClass=groupOfNames' },
    })
    await signIn('ada', 'ada-password')
    expect(namesOf(people[0])).toEqual(['devs'])
  })

  it('are searched for by their members where entries say nothing, one search a level', async () => {
    const ada = `uid=ada,ou=people,${BASE}`
    const double = await directory([
      person('ada'),
      group('devs', { member: [ada] }),
      group('ops', { uniqueMember: [ada] }),
      group('posix', { memberUid: ['ada'] }),
      group('staff', { member: [groupDn('devs'), groupDn('ops')] }),
      group('others', { member: [`uid=bob,ou=people,${BASE}`], memberUid: ['bob'] }),
    ])
    const { signIn, people } = signInAt(double, { settings: { ldap_group_admin_dn: groupDn('staff') } })
    expect(await signIn('ada', 'ada-password')).toMatchObject({ admin: true })
    expect(namesOf(people[0])).toEqual(['devs', 'ops', 'posix', 'staff'])
    expect(double.searches).toHaveLength(4)
  })

  it('are followed ten levels and no further', async () => {
    const chain = Array.from({ length: 20 }, (_, at) => group(`g${at}`, { memberOf: [groupDn(`g${at + 1}`)] }))
    const double = await directory([person('ada', { memberOf: [groupDn('g0')] }), ...chain])
    const { signIn, people } = signInAt(double)
    await signIn('ada', 'ada-password')
    expect(people[0]?.groups).toHaveLength(10)
  })

  it('have the name their attribute says, else the one in their DN', async () => {
    const double = await directory([
      person('ada', { memberOf: [groupDn('devs'), groupDn('ops')] }),
      group('devs', { description: ['Developers'] }),
      group('ops', {}),
    ])
    const { signIn, people } = signInAt(double, { settings: { ldap_group_attribute_name: 'description' } })
    await signIn('ada', 'ada-password')
    expect(namesOf(people[0])).toEqual(['Developers', 'ops'])
  })
})

describe('the way to a directory', () => {
  it('is under TLS from the start, with a certificate that is trusted', async () => {
    const double = await directory([person('ada')], { tls: true, isLdaps: true })
    const settings = { ldap_url: `ldaps://127.0.0.1:${double.port}` }
    await expect(signInAt(double, { settings }).signIn('ada', 'ada-password')).rejects.toThrow(Unavailable)
    expect(double.binds).toEqual([])
    const trusted = { ...settings, ldap_ca_certificate: certificate.cert }
    expect(await signInAt(double, { settings: trusted }).signIn('ada', 'ada-password')).toBeDefined()
    const blind = { ...settings, ldap_verify_cert: false }
    expect(await signInAt(double, { settings: blind }).signIn('ada', 'ada-password')).toBeDefined()
  })

  it('is put under TLS before anything is said, or nothing is', async () => {
    const double = await directory([person('ada')], { tls: true })
    const starttls = { ldap_starttls: true }
    await expect(signInAt(double, { settings: starttls }).signIn('ada', 'ada-password')).rejects.toThrow(Unavailable)
    expect(double.binds).toEqual([])
    const settings = { ...starttls, ldap_ca_certificate: certificate.cert }
    expect(await signInAt(double, { settings }).signIn('ada', 'ada-password')).toBeDefined()
    const plain = await directory([person('ada')])
    await expect(signInAt(plain, { settings }).signIn('ada', 'ada-password')).rejects.toThrow(Unavailable)
    expect(plain.binds).toEqual([])
  })

  it('is left when something is slipped in before TLS', async () => {
    const double = await directory([person('ada')], { tls: true })
    // The beginning of "bind 3 succeeded", to be ended by what comes through TLS.
    double.injection = Buffer.from('302002010361', 'hex')
    const settings = { ldap_starttls: true, ldap_ca_certificate: certificate.cert }
    const { signIn, said } = signInAt(double, { settings })
    await expect(signIn('ada', 'wrong')).rejects.toThrow(Unavailable)
    expect(said).toMatchObject([
      [expect.anything(), { err: { cause: { message: expect.stringContaining('before TLS') } } }],
    ])
    expect(double.binds).toEqual([])
  })

  it('is not taken where the egress rules refuse it, and only says that it cannot be', async () => {
    const double = await directory([person('ada')])
    const refused = signInAt(double, { egress: egressSettings({}) }).signIn('ada', 'ada-password')
    await expect(refused).rejects.toThrow(new Unavailable('the directory cannot be asked'))
    expect(double.connections).toBe(0)
  })

  it('does not lead on to where the directory points', async () => {
    const [double, other] = [await directory([person('ada')]), await directory([person('eve')])]
    double.referral = `ldap://127.0.0.1:${other.port}/${BASE}`
    const { signIn } = signInAt(double)
    expect(await signIn('ada', 'ada-password')).toBeDefined()
    expect(await signIn('eve', 'eve-password')).toBeUndefined()
    expect(other.connections).toBe(0)
  })

  it.each([
    ['a wrong password of who searches', {}, { ldap_search_password: 'wrong' }],
    ['no password of who searches', {}, { ldap_search_password: '' }],
    ['a directory that is silent', { isSilent: true }, { ldap_timeout: 1 }],
    ['a directory that refuses to be searched', { searchResult: 53 }, {}],
    ['a directory whose lengths lie', { garbage: LYING_ENTRY }, {}],
    ['a directory that speaks something else', { garbage: Buffer.from('HTTP/1.1 400 Bad Request') }, {}],
    ['a directory that is elsewhere', { searchResult: 10 }, {}],
    ['a filter that is none', {}, { ldap_filter: '(uid=' }],
    ['no address', {}, { ldap_url: '' }],
    ['an address that is none', {}, { ldap_url: 'http://127.0.0.1' }],
  ])('ends, for %s, in an answer that tells nothing, and in no sign-in', async (_, quirk, settings) => {
    const double = Object.assign(await directory([person('ada')]), quirk)
    const { signIn, said } = signInAt(double, { settings })
    await expect(signIn('ada', 'ada-password')).rejects.toThrow(new Unavailable('the directory cannot be asked'))
    const logged = JSON.stringify(said, (_key, value) => (value instanceof Error ? value.message : value))
    for (const secret of ['ada-password', SEARCHER.password, 'said by the directory'])
      expect(logged).not.toContain(secret)
  })
})
