import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, errorsOf, type Person, ROLE } from '../src/api.ts'
import { type Command, openCommand } from '../src/clients/command.ts'
import { type Events, openEvents } from '../src/events.ts'
import { freeze, holdDead, service } from '../src/faults.ts'
import { makeImage } from '../src/images/image.ts'
import { writeDockerArchive } from '../src/images/on-disk.ts'
import { sleep, until } from '../src/process.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openTools } from '../tools/install.ts'

const V2 = '/api/v2.0'
const RULES = `${V2}/projects/rules/immutabletagrules`

interface Shown {
  digest: string
  tags?: { name: string; immutable?: boolean }[]
  labels?: { id: number; name: string }[]
}

interface AuditRow {
  operation: string
  resource_type: string
  username: string
  operation_result: boolean
}

describe('what a project demands, with crane', () => {
  let home: string
  let suite: Suite
  let events: Events
  let admin: Api
  let owner: Api
  let person: Person
  let crane: Command
  const archives: string[] = []

  beforeAll(async () => {
    home = await openScratch()
    const tools = await openTools()
    suite = await startSuite()
    events = await openEvents(suite, 'event.quota.warned')
    admin = Api.admin(suite)
    person = await admin.createUser('petra')
    owner = new Api(suite.url, person)
    await owner.createProject('rules')
    crane = await openCommand(tools, 'crane', join(home, 'crane'))
    await crane.fed(person.password, 'auth', 'login', '--username', person.name, '--password-stdin', suite.host)
    for (const [name, layerBytes] of [
      ['one', 40_000],
      ['two', 50_000],
      ['three', 60_000],
    ] as const) {
      const image = await makeImage({ name, layerBytes: [layerBytes] })
      archives.push(await writeDockerArchive(join(home, `${name}.tar`), image, [`${name}:1`]))
    }
  })

  afterAll(async () => {
    await events?.stop()
    await suite?.stop()
    await removeScratch(home)
  })

  const at = (repository: string): string => `${suite.host}/${repository}`
  const push = (image: number, repository: string) => crane.tried('push', archives[image] ?? '', at(repository))
  const pushed = async (image: number, repository: string): Promise<void> => {
    const { code, output } = await push(image, repository)
    expect(code, output).toBe(0)
  }
  const ruleFor = (tags: string, disabled = false) => ({
    action: 'immutable',
    template: 'immutable_template',
    disabled,
    tag_selectors: [
      { kind: 'doublestar', decoration: 'matches', pattern: tags },
      { kind: 'doublestar', decoration: 'excludes', pattern: '*-rc*' },
    ],
    scope_selectors: {
      repository: [
        { kind: 'doublestar', decoration: 'repoMatches', pattern: '**' },
        { kind: 'doublestar', decoration: 'repoExcludes', pattern: 'sandbox/**' },
      ],
    },
  })
  const addRule = async (tags: string): Promise<number> => {
    const made = await owner.must(201, 'POST', RULES, ruleFor(tags))
    return Number(made.headers.location?.split('/').at(-1))
  }

  describe('immutable tags', () => {
    it('keeps what is pushed under a rule, as far as all its selectors go', async () => {
      const id = await addRule('v*')
      await pushed(0, 'rules/app:v1')
      await pushed(0, 'rules/app:v1')
      const moved = await push(1, 'rules/app:v1')
      expect([moved.code, moved.output]).toEqual([1, expect.stringContaining('configured as immutable')])
      for (const free of ['rules/app:v1-rc1', 'rules/app:latest', 'rules/sandbox/app:v1']) {
        await pushed(0, free)
        await pushed(1, free)
      }
      const twice = await owner.call('POST', RULES, ruleFor('v*'))
      expect([twice.status, errorsOf(twice)[0]?.code]).toEqual([409, 'CONFLICT'])

      await owner.must(200, 'PUT', `${RULES}/${id}`, ruleFor('v*', true))
      await pushed(1, 'rules/app:v1')
      await owner.must(200, 'PUT', `${RULES}/${id}`, ruleFor('v*'))
      expect((await push(0, 'rules/app:v1')).code).toBe(1)
      await owner.must(200, 'DELETE', `${RULES}/${id}`)
      await pushed(0, 'rules/app:v1')
    })

    it('says so when the registry does not hear of a rule, and it holds once it does', async () => {
      await pushed(0, 'rules/app:w1')
      const thaw = await freeze(service(suite, 'registry'))
      try {
        const late = await owner.call('POST', RULES, ruleFor('w*'))
        expect([late.status, late.headers['retry-after']], late.text).toEqual([503, '5'])
        expect(late.text).toContain('saved, not yet in force')
      } finally {
        thaw()
      }
      await until('the rule holds', 30_000, async () => (await push(1, 'rules/app:w1')).code === 1)
      expect((await owner.must(200, 'GET', RULES)).text).toContain('w*')
    })

    it('belongs to its project: another one’s rule is not there', async () => {
      await admin.createProject('elsewhere')
      const path = `${V2}/projects/elsewhere/immutabletagrules`
      const made = await admin.must(201, 'POST', path, ruleFor('x*'))
      const id = made.headers.location?.split('/').at(-1)
      expect((await owner.call('DELETE', `${RULES}/${id}`)).status).toBe(404)
      expect((await owner.call('DELETE', `${path}/${id}`)).status).toBe(403)
      expect((await admin.get(path)).json<unknown[]>()).toHaveLength(1)
    })
  })

  describe('a quota', () => {
    const quotaOf = async (name: string) => {
      const quotas = (await admin.must(200, 'GET', `${V2}/quotas?page_size=100`)).json<
        { id: number; ref: { name: string }; hard: { storage: number }; used: { storage: number } }[]
      >()
      const found = quotas.find(({ ref }) => ref.name === name)
      if (!found) throw new Error(`no quota of ${name}`)
      return found
    }

    it('stops a push that does not fit, is warned of once, and lets it through when raised', async () => {
      await owner.createProject('tight')
      await pushed(0, 'tight/app:1')
      const { id, used } = await quotaOf('tight')
      expect(used.storage).toBeGreaterThan(40_000)
      await admin.must(200, 'PUT', `${V2}/quotas/${id}`, { hard: { storage: used.storage + 20_000 } })
      const refused = await push(1, 'tight/app:2')
      expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('Quota exceeded')])
      expect((await owner.call('PUT', `${V2}/quotas/${id}`, { hard: { storage: -1 } })).status).toBe(403)
      expect((await admin.call('PUT', `${V2}/quotas/${id}`, { hard: { storage: 0 } })).status).toBe(400)

      const limit = used.storage + 55_000
      await admin.must(200, 'PUT', `${V2}/quotas/${id}`, { hard: { storage: limit } })
      await pushed(1, 'tight/app:2')
      const warning = await events.find(({ type }) => type === 'event.quota.warned')
      expect(warning.data).toMatchObject({ project: 'tight', limitBytes: limit })
      expect(warning.actor).toBe(person.name)
    })

    it('is listed with the fullest first, and in the summary of its project', async () => {
      const sorted = (await admin.must(200, 'GET', `${V2}/quotas?sort=-used.storage`)).json<
        { ref: { name: string }; used: { storage: number } }[]
      >()
      const used = sorted.map((quota) => quota.used.storage)
      expect(used).toEqual(used.toSorted((a, b) => b - a))
      expect(sorted.map(({ ref }) => ref.name)).toEqual(expect.arrayContaining(['library', 'rules', 'tight']))
      const { hard, used: own } = await quotaOf('tight')
      const summary = (await owner.must(200, 'GET', `${V2}/projects/tight/summary`)).json<{ quota: unknown }>()
      expect(summary.quota).toEqual({ hard, used: own })
    })
  })

  describe('a label', () => {
    const ARTIFACTS = `${V2}/projects/rules/repositories/app/artifacts`
    const labelled = async (id: number): Promise<Shown[]> =>
      (await owner.must(200, 'GET', `${ARTIFACTS}?with_label=true&q=${encodeURIComponent(`labels=(${id})`)}`)).json<
        Shown[]
      >()
    const make = async (name: string): Promise<number> => {
      const { project_id } = (await owner.get(`${V2}/projects/rules`)).json<{ project_id: number }>()
      const made = await owner.must(201, 'POST', `${V2}/labels`, { name, scope: 'p', project_id, color: '#0065AB' })
      return Number(made.headers.location?.split('/').at(-1))
    }

    it('is put on an artifact, found by, renamed everywhere at once and taken off with its end', async () => {
      const id = await make('stable')
      await owner.must(200, 'POST', `${ARTIFACTS}/v1/labels`, { id })
      expect((await owner.call('POST', `${ARTIFACTS}/v1/labels`, { id })).status).toBe(409)
      expect((await labelled(id)).map(({ labels }) => labels?.map(({ name }) => name))).toEqual([['stable']])
      await owner.must(200, 'PUT', `${V2}/labels/${id}`, { name: 'golden', color: 'red' })
      expect((await labelled(id))[0]?.labels).toMatchObject([{ id, name: 'golden' }])
      await owner.must(200, 'DELETE', `${V2}/labels/${id}`)
      expect(await labelled(id)).toEqual([])
      expect((await admin.get(`${V2}/labels/${id}`)).status).toBe(404)
    })

    it('ends while the registry is dead, and no artifact shows it afterwards', async () => {
      const id = await make('fleeting')
      await owner.must(200, 'POST', `${ARTIFACTS}/v1/labels`, { id })
      const release = await holdDead(service(suite, 'registry'))
      try {
        await owner.must(200, 'DELETE', `${V2}/labels/${id}`)
      } finally {
        await release()
      }
      await until('the registry is back', 60_000, async () => {
        const { status } = await owner.get(`${ARTIFACTS}?with_label=true`)
        return status === 200
      })
      const all = (await owner.must(200, 'GET', `${ARTIFACTS}?with_label=true`)).json<Shown[]>()
      expect(all.flatMap(({ labels }) => labels ?? [])).toEqual([])
      await make('fleeting')
    })
  })

  describe('metadata and allowlists', () => {
    const METADATA = `${V2}/projects/rules/metadatas`
    const isPulled = async () => (await crane.tried('manifest', at('rules/app:v1'))).code === 0

    it('prevents and allows pulls, key by key', async () => {
      await owner.must(200, 'POST', `${METADATA}/`, { prevent_vul: 'true' })
      expect((await owner.call('POST', `${METADATA}/`, { prevent_vul: 'true' })).status).toBe(409)
      const refused = await crane.tried('manifest', at('rules/app:v1'))
      expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('no scanner registration')])
      const cves = { items: [{ cve_id: 'CVE-2026-12345' }], expires_at: null }
      await admin.must(200, 'PUT', `${V2}/system/CVEAllowlist`, cves)
      expect((await owner.get(`${V2}/system/CVEAllowlist`)).json()).toMatchObject(cves)
      expect((await owner.call('PUT', `${V2}/system/CVEAllowlist`, cves)).status).toBe(403)
      await owner.must(200, 'DELETE', `${METADATA}/prevent_vul`)
      expect(await isPulled()).toBe(true)
      expect((await owner.get(`${METADATA}/`)).status).toBe(403)
      expect((await admin.get(`${METADATA}/`)).json()).toEqual({ public: 'false' })
    })

    it('is what the registry goes by, although core is killed again and again while it changes', async () => {
      await owner.must(200, 'POST', `${METADATA}/`, { prevent_vul: 'false' })
      const answers = () =>
        until('core answers', 60_000, async () => (await owner.get(`${METADATA}/prevent_vul`)).status === 200)
      for (let round = 0; round < 3; round++) {
        await answers()
        let ended = false
        const changing = (async () => {
          for (let n = 0; !ended; n++) {
            await owner.call('PUT', `${METADATA}/prevent_vul`, { prevent_vul: String(n % 2 === 0) })
          }
        })()
        await sleep(400 + round * 37)
        for (const pid of await suite.pidsOf('core')) process.kill(pid, 'SIGKILL')
        ended = true
        await changing
      }
      await answers()
      const { prevent_vul: stored } = (await owner.get(`${METADATA}/prevent_vul`)).json<{ prevent_vul: string }>()
      await until('the registry obeys', 30_000, async () => (await isPulled()) === (stored === 'false'))
      await sleep(2_000)
      expect(await isPulled()).toBe(stored === 'false')
    })
  })

  it('leaves every change in the audit log, with who made it', async () => {
    const found = new Set<string>()
    for (const operation of ['create', 'delete']) {
      const query = `q=${encodeURIComponent(`operation=${operation}`)}&page_size=100`
      const listed = await owner.must(200, 'GET', `${V2}/projects/rules/auditlog-exts?${query}`)
      for (const row of listed.json<AuditRow[]>().filter(({ operation_result: worked }) => worked)) {
        found.add(`${row.username} ${row.operation} ${row.resource_type}`)
      }
    }
    for (const what of [
      'create immutable-tag',
      'delete immutable-tag',
      'create label',
      'delete label',
      'create metadata',
    ]) {
      expect([...found]).toContain(`${person.name} ${what}`)
    }
  })

  it('keeps maintainers from what is the administrators’', async () => {
    const helper = await admin.createUser('mo')
    await owner.addMember('rules', helper, ROLE.maintainer)
    const mo = new Api(suite.url, helper)
    expect((await mo.get(RULES)).status).toBe(200)
    expect((await mo.call('PUT', `${V2}/projects/rules/metadatas/public`, { public: 'true' })).status).toBe(403)
    expect((await mo.get(`${V2}/quotas`)).status).toBe(403)
  })
})
