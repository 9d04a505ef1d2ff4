import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, errorsOf, type Person, ROLE } from '../src/api.ts'
import { type Command, openCommand } from '../src/clients/command.ts'
import type { Answer } from '../src/http.ts'
import { makeImage } from '../src/images/image.ts'
import { writeDockerArchive } from '../src/images/on-disk.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openTools } from '../tools/install.ts'

interface Artifact {
  id: number
  digest: string
  type: string
  media_type: string
  manifest_media_type: string
  artifact_type?: string
  repository_name: string
  size: number
  icon: string
  push_time: string
  pull_time: string
  extra_attrs?: Record<string, unknown>
  tags?: { name: string; immutable: boolean }[]
  labels?: { id: number; name: string }[]
  accessories?: { digest: string; type: string; subject_artifact_digest: string }[]
  inherited_accessories?: { digest: string }[]
  references?: { child_digest: string; platform: { architecture: string } }[]
  addition_links?: Record<string, { href: string; absolute: boolean }>
}

const NEVER = '0001-01-01T00:00:00.000Z'
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

describe('content through the API, after crane, oras and helm have pushed it', () => {
  let home: string
  let suite: Suite
  let admin: Api
  let owner: Api
  let guest: Api
  let stranger: Api
  let person: Person
  let at: string
  let crane: Command
  let oras: Command
  let helm: Command

  const V2 = '/api/v2.0'
  /** Repositories have slashes in them on purpose: their names are encoded twice in paths. */
  const repository = (name: string, project = 'content') =>
    `${V2}/projects/${project}/repositories/${encodeURIComponent(encodeURIComponent(name))}`
  const artifacts = (name: string, rest = '', project = 'content') => `${repository(name, project)}/artifacts${rest}`
  const listOf = async (path: string, by = guest): Promise<Artifact[]> => {
    const answer = await by.get(path)
    expect(answer.status, answer.text).toBe(200)
    return answer.json<Artifact[]>()
  }
  const filtered = (name: string, q: string, more = '') => listOf(artifacts(name, `?q=${encodeURIComponent(q)}${more}`))
  const digests = (list: readonly { digest: string }[]) => list.map(({ digest }) => digest)
  const codeOf = (answer: Answer) => [answer.status, errorsOf(answer)[0]?.code]

  beforeAll(async () => {
    home = await openScratch()
    const tools = await openTools()
    suite = await startSuite()
    admin = Api.admin(suite)
    person = await admin.createUser('olga')
    owner = new Api(suite.url, person)
    const reader = await admin.createUser('gustav')
    guest = new Api(suite.url, reader)
    stranger = new Api(suite.url, await admin.createUser('stranger'))
    await owner.createProject('content')
    await owner.createProject('shared', true)
    await owner.addMember('content', reader, ROLE.guest)
    at = `${suite.host}/content`
    crane = await openCommand(tools, 'crane', join(home, 'crane'))
    oras = await openCommand(tools, 'oras', join(home, 'oras'))
    helm = await openCommand(tools, 'helm', join(home, 'helm'), {
      HELM_REGISTRY_CONFIG: join(home, 'helm', 'registry.json'),
      HELM_CACHE_HOME: join(home, 'helm', 'cache'),
    })
    const login = ['--username', person.name, '--password-stdin', suite.host]
    await crane.fed(person.password, 'auth', 'login', ...login)
    await oras.fed(person.password, 'login', '--plain-http', ...login)
    await helm.fed(person.password, 'registry', 'login', '--plain-http', ...login)
  })

  afterAll(async () => {
    await suite?.stop()
    await removeScratch(home)
  })

  async function pushImage(name: string, tag: string, architecture: 'amd64' | 'arm64' = 'amd64'): Promise<string> {
    const image = await makeImage({ name: `${name}:${tag}`, architecture, layerBytes: [2_000] })
    const archive = await writeDockerArchive(join(home, `${tag}-${architecture}.tar`), image, ['it:1'])
    await crane('push', archive, `${at}/${name}:${tag}`)
    return (await crane('digest', `${at}/${name}:${tag}`)).trim()
  }

  describe('an index, a signature and a plain image', () => {
    const APP = 'team/web/app'
    let children: string[]
    let index: string
    let plain: string
    let note: string

    beforeAll(async () => {
      const amd64 = await pushImage(APP, 'amd64', 'amd64')
      const arm64 = await pushImage(APP, 'arm64', 'arm64')
      children = [amd64, arm64]
      const sources = children.flatMap((digest) => ['-m', `${at}/${APP}@${digest}`])
      await crane('index', 'append', ...sources, '-t', `${at}/${APP}:multi`)
      index = (await crane('digest', `${at}/${APP}:multi`)).trim()
      await writeFile(join(home, 'oras', 'note.json'), '{"note":"signed"}')
      const attach = ['--artifact-type', 'application/vnd.example.note', `${at}/${APP}:multi`, 'note.json:text/plain']
      await oras('attach', '--plain-http', ...attach)
      plain = await pushImage(APP, 'plain')
      for (const [n, tag] of ['amd64', 'arm64'].entries()) {
        await owner.must(200, 'DELETE', artifacts(APP, `/${children[n]}/tags/${tag}`))
      }
      const accessories = await listOf(artifacts(APP, '/multi/accessories'))
      note = accessories[0]?.digest ?? ''
    })

    it('are listed newest first, without children and accessories unless asked for', async () => {
      const list = await listOf(artifacts(APP))
      expect(digests(list)).toEqual([plain, index])
      expect(list[1]).toMatchObject({ type: 'IMAGE', repository_name: `content/${APP}`, pull_time: expect.any(String) })
      expect(new Set(digests(await filtered(APP, 'base=*')))).toEqual(new Set([plain, index, note, ...children]))
    })

    it.each([
      ['tags=*', () => [plain, index]],
      ['tags=nil', () => []],
      ['tags=nil,base=*', () => [note, ...children.toReversed()]],
      ['tags=plain', () => [plain]],
      ['tags=~MULT', () => [index]],
      ['tags={plain multi}', () => [plain, index]],
      ['type=IMAGE', () => [plain, index]],
      ['type=CHART', () => []],
      ['media_type=application/vnd.oci.image.index.v1+json', () => [index]],
      ['manifest_media_type=~index', () => [index]],
      ['size=[1~999999999]', () => [plain, index]],
      ['push_time=[2020-01-01T00:00:00~]', () => [plain, index]],
      ['push_time=[~2020-01-01T00:00:00]', () => []],
      ['no_such_column=1', () => [plain, index]],
    ])('are found by q=%s', async (q, wanted) => {
      expect(new Set(digests(await filtered(APP, q)))).toEqual(new Set(wanted()))
    })

    it('are found by digest, sorted, paged and counted', async () => {
      expect(digests(await filtered(APP, `digest=${plain}`))).toEqual([plain])
      expect(digests(await listOf(artifacts(APP, '?sort=push_time')))).toEqual([index, plain])
      const page = await guest.get(artifacts(APP, '?page=2&page_size=1'))
      expect(digests(page.json())).toEqual([index])
      expect([page.headers['x-total-count'], page.headers.link]).toEqual([
        '2',
        expect.stringContaining('page=1&page_size=1>; rel="prev"'),
      ])
      expect(await listOf(artifacts(APP, '?page_size=0'))).toHaveLength(2)
      expect((await guest.get(artifacts(APP, '?page_size=101'))).status).toBe(422)
      for (const q of ['tags', 'labels=[1~2]', 'size=x', 'base=1']) {
        expect(codeOf(await guest.get(artifacts(APP, `?q=${encodeURIComponent(q)}`)))).toEqual([400, 'BAD_REQUEST'])
      }
    })

    it('show what each flag asks for', async () => {
      const one = async (flags: string) => (await filtered(APP, 'tags=multi', `&${flags}`))[0]
      const bare = await one('')
      expect(bare?.tags).toMatchObject([{ name: 'multi', immutable: false }])
      expect(bare?.references?.map(({ child_digest }) => child_digest)).toEqual(children)
      expect(bare?.references?.map(({ platform }) => platform.architecture)).toEqual(['amd64', 'arm64'])
      for (const name of ['labels', 'accessories', 'inherited_accessories', 'scan_overview', 'sbom_overview']) {
        expect(bare).not.toHaveProperty(name)
      }
      expect(await one('with_scan_overview=true&with_sbom_overview=true')).toEqual(bare)
      expect(await one('with_tag=false')).not.toHaveProperty('tags')
      expect((await one('with_accessory=true'))?.accessories).toMatchObject([
        { digest: note, type: 'subject.accessory', subject_artifact_digest: index },
      ])
      const rule = { disabled: false, action: 'immutable', template: 'immutable_template', ...KEEPS_MULTI }
      const made = await owner.must(201, 'POST', `${V2}/projects/content/immutabletagrules`, rule)
      expect((await one('with_immutable_status=true'))?.tags).toMatchObject([{ name: 'multi', immutable: true }])
      expect((await one(''))?.tags).toMatchObject([{ immutable: false }])
      expect(codeOf(await owner.call('DELETE', artifacts(APP, '/multi')))).toEqual([412, 'PRECONDITION'])
      expect(codeOf(await owner.call('DELETE', repository(APP)))).toEqual([412, 'PRECONDITION'])
      await owner.must(200, 'DELETE', new URL(made.headers.location ?? '', suite.url).pathname)
    })

    it('are got by tag and digest; children have what belongs to their index', async () => {
      for (const reference of ['multi', index]) {
        const { digest } = (await owner.must(200, 'GET', artifacts(APP, `/${reference}`))).json<Artifact>()
        expect(digest).toBe(index)
      }
      const child = artifacts(APP, `/${children[1]}?with_inherited_accessory=true`)
      const { inherited_accessories: inherited } = (await guest.get(child)).json<Artifact>()
      expect(digests(inherited ?? [])).toEqual([note])
      await expect
        .poll(async () => (await guest.get(artifacts(APP, `/${children[1]}`))).json<Artifact>().extra_attrs, {
          timeout: 30_000,
        })
        .toMatchObject({ architecture: 'arm64', os: 'linux' })
      expect((await guest.get(artifacts(APP, '/no-such-tag'))).status).toBe(404)
    })

    it('have the history of their build, and pictures', async () => {
      const { addition_links: links, icon } = (await guest.get(artifacts(APP, '/plain'))).json<Artifact>()
      expect(Object.keys(links ?? {})).toEqual(['build_history'])
      const history = await guest.get(links?.build_history?.href ?? '')
      expect(history.json()).toMatchObject([{ created_by: `${APP}:plain` }])
      expect((await guest.get(artifacts(APP, '/plain/additions/values.yaml'))).status).toBe(400)
      expect((await guest.get(artifacts(APP, '/plain/additions/vulnerabilities'))).status).toBe(404)
      const picture = (await new Api(suite.url).get(`${V2}/icons/${icon}`)).json<{ content: string }>()
      expect(Buffer.from(picture.content, 'base64').toString()).toContain('<svg')
    })

    it('get and lose tags, which crane sees at once', async () => {
      const tags = artifacts(APP, '/plain/tags')
      const made = await owner.must(201, 'POST', tags, { name: 'stable' })
      expect(made.headers.location).toContain('team%252Fweb%252Fapp')
      expect((await crane('digest', `${at}/${APP}:stable`)).trim()).toBe(plain)
      expect(codeOf(await owner.call('POST', tags, { name: 'multi' }))).toEqual([409, 'CONFLICT'])
      expect((await listOf(`${tags}?sort=name&with_immutable_status=true`)) as unknown).toMatchObject([
        { name: 'plain', pull_time: expect.any(String) },
        { name: 'stable', pull_time: NEVER, immutable: false },
      ])
      expect((await owner.call('DELETE', artifacts(APP, '/multi/tags/stable'))).status).toBe(404)
      await owner.must(200, 'DELETE', `${tags}/stable`)
      expect((await crane.tried('digest', `${at}/${APP}:stable`)).code).not.toBe(0)
      expect((await guest.call('POST', tags, { name: 'mine' })).status).toBe(403)
    })

    it('carry labels, and are found by them', async () => {
      const project = (await owner.get(`${V2}/projects/content`)).json<{ project_id: number }>().project_id
      const other = (await owner.get(`${V2}/projects/shared`)).json<{ project_id: number }>().project_id
      const label = async (name: string, project_id: number) => {
        const made = await owner.must(201, 'POST', `${V2}/labels`, { name, scope: 'p', project_id })
        return Number(made.headers.location?.split('/').at(-1))
      }
      const [good, better, foreign] = [
        await label('good', project),
        await label('better', project),
        await label('x', other),
      ]
      const labels = artifacts(APP, '/plain/labels')
      for (const id of [good, better]) await owner.must(200, 'POST', labels, { id })
      expect(codeOf(await owner.call('POST', labels, { id: good }))).toEqual([409, 'CONFLICT'])
      expect((await owner.call('POST', labels, { id: foreign })).status).toBe(404)
      await owner.must(200, 'POST', artifacts(APP, '/multi/labels'), { id: good })
      expect(digests(await filtered(APP, `labels=(${good} ${better})`))).toEqual([plain])
      expect(await filtered(APP, `labels=(${good})`)).toHaveLength(2)
      const [shown] = await filtered(APP, 'tags=plain', '&with_label=true')
      expect(shown?.labels?.map(({ name }) => name)).toEqual(['good', 'better'])
      await owner.must(200, 'DELETE', `${labels}/${good}`)
      expect((await owner.call('DELETE', `${labels}/${good}`)).status).toBe(404)
      await owner.must(200, 'DELETE', `${V2}/labels/${better}`)
      expect((await filtered(APP, 'tags=plain', '&with_label=true'))[0]).not.toHaveProperty('labels')
    })

    it('are copied with children, accessories and tags by who may read and write', async () => {
      const copy = (by: Api, to: string, from: string) => by.call('POST', `${to}?from=${encodeURIComponent(from)}`)
      const target = artifacts('copies/app', '', 'shared')
      const made = await copy(owner, target, `content/${APP}:multi`)
      expect([made.status, made.headers.location]).toEqual([201, artifacts('copies/app', `/${index}`, 'shared')])
      expect(await crane('manifest', `${suite.host}/shared/copies/app:multi`)).toContain(children[0])
      const [copied] = await listOf(`${target}?with_accessory=true`, owner)
      expect([copied?.digest, digests(copied?.accessories ?? [])]).toEqual([index, [note]])
      expect((await copy(owner, target, `content/${APP}@${plain}`)).status).toBe(201)
      expect(await listOf(target, stranger)).toHaveLength(2)
      expect((await copy(guest, target, `content/${APP}:multi`)).status).toBe(403)
      expect((await copy(stranger, target, `content/${APP}:multi`)).status).toBe(403)
      expect((await copy(owner, target, `content/${APP}@${note}`)).status).toBe(403)
      expect((await copy(owner, target, `content/${APP}:none`)).status).toBe(404)
      expect((await copy(owner, target, `content/${APP}`)).status).toBe(400)
      expect((await copy(new Api(suite.url), target, `content/${APP}:multi`)).status).toBe(401)
    })

    it('are deleted with what belongs to them, children only once no index names them', async () => {
      const child = artifacts(APP, `/${children[0]}`)
      expect(codeOf(await owner.call('DELETE', child))).toEqual([412, 'VIOLATE_FOREIGN_KEY_CONSTRAINT'])
      expect((await guest.call('DELETE', child)).status).toBe(403)
      await owner.must(200, 'DELETE', artifacts(APP, '/multi'))
      expect((await guest.get(artifacts(APP, `/${note}`))).status).toBe(404)
      await owner.must(200, 'DELETE', child)
      expect((await crane.tried('manifest', `${at}/${APP}:multi`)).code).not.toBe(0)
      expect(await crane('digest', `${at}/${APP}:plain`)).toContain(plain)
    })
  })

  it('a chart has its values, its readme and what it depends on', async () => {
    const chart = join(home, 'helm', 'hello')
    await mkdir(join(chart, 'templates'), { recursive: true })
    await writeFile(
      join(chart, 'Chart.yaml'),
      'apiVersion: v2\nname: hello\nversion: 1.2.3\ndescription: Of the tests\n',
    )
    await writeFile(join(chart, 'values.yaml'), 'greeting: hello\n')
    await writeFile(join(chart, 'README.md'), '# Hello\n')
    await helm('package', chart)
    await helm('push', join(home, 'helm', 'hello-1.2.3.tgz'), `oci://${at}`, '--plain-http')
    const { type, addition_links: links = {} } = (await guest.get(artifacts('hello', '/1.2.3'))).json<Artifact>()
    expect([type, Object.keys(links)]).toEqual(['CHART', ['values.yaml', 'readme.md', 'dependencies']])
    const read = async (name: string) => {
      const answer = await guest.get(links[name]?.href ?? '')
      return [answer.headers['content-type'], answer.text]
    }
    expect(await read('values.yaml')).toEqual(['text/plain; charset=utf-8', 'greeting: hello\n'])
    expect(await read('readme.md')).toEqual(['text/markdown; charset=utf-8', '# Hello\n'])
    expect(await read('dependencies')).toEqual(['application/json; charset=utf-8', '[]'])
    const charts = `${V2}/projects/content/artifacts?latest_in_repository=true&q=media_type%3D`
    const [latest] = await listOf(`${charts}${encodeURIComponent('application/vnd.cncf.helm.config.v1+json')}`)
    expect(latest?.repository_name).toBe('content/hello')
    expect((await guest.get(`${V2}/projects/content/artifacts?latest_in_repository=true`)).status).toBe(400)
  })

  it('an artifact of somebody’s own kind has its picture, for who may see it', async () => {
    const folder = join(home, 'oras')
    await writeFile(join(folder, 'icon.png'), PNG)
    await writeFile(join(folder, 'rocket.json'), '{"fuel":"lox"}')
    const annotations = { 'icon.png': { 'io.goharbor.artifact.v1alpha1.icon': '' } }
    await writeFile(join(folder, 'annotations.json'), JSON.stringify(annotations))
    const config = ['--config', 'rocket.json:application/vnd.acme.rocket.config.v1+json']
    const files = ['--annotation-file', 'annotations.json', `${at}/rocket:1`, 'icon.png:image/png']
    await oras('push', '--plain-http', ...config, ...files)
    const one = async () => (await guest.get(artifacts('rocket', '/1'))).json<Artifact>()
    await expect.poll(async () => (await one()).extra_attrs, { timeout: 30_000 }).toEqual({ fuel: 'lox' })
    const { type, icon } = await one()
    expect(type).toBe('ROCKET')
    expect((await guest.get(`${V2}/icons/${icon}`)).json()).toEqual({
      'content-type': 'image/png',
      content: PNG.toString('base64'),
    })
    for (const by of [stranger, new Api(suite.url)]) expect((await by.get(`${V2}/icons/${icon}`)).status).toBe(404)
  })

  it('searching and counting show each what is theirs to see', async () => {
    await pushImage('secret/thing', '1')
    const found = async (by: Api, word: string) => {
      const { project, repository: repositories } = (await by.get(`${V2}/search?q=${word}`)).json<{
        project: { name: string }[]
        repository: { repository_name: string }[]
      }>()
      return [project.map(({ name }) => name), repositories.map(({ repository_name }) => repository_name)]
    }
    expect(await found(guest, 'THING')).toEqual([[], ['content/secret/thing']])
    for (const by of [stranger, new Api(suite.url)]) {
      expect(await found(by, 'thing')).toEqual([[], []])
      expect(await found(by, 'shared')).toEqual([['shared'], ['shared/copies/app']])
    }
    const counts = async (by: Api) => (await by.get(`${V2}/statistics`)).json<Record<string, number>>()
    expect(await counts(stranger)).toMatchObject({
      private_project_count: 0,
      private_repo_count: 0,
      public_repo_count: 1,
    })
    expect(await counts(guest)).toMatchObject({ private_project_count: 1, private_repo_count: 4, public_repo_count: 1 })
    const all = await counts(admin)
    expect(all).toMatchObject({ private_project_count: 1, total_project_count: 3, total_repo_count: 5 })
    expect(all.total_storage_consumption).toBeGreaterThan(4_000)
    expect((await new Api(suite.url).get(`${V2}/statistics`)).status).toBe(401)
  })

  it('repositories are listed, described and deleted with all they hold', async () => {
    const names = async (by: Api, path: string) => {
      const list = (await by.get(path)).json<{ name: string }[]>()
      return list.map(({ name }) => name)
    }
    const mine = `${V2}/projects/content/repositories`
    const all = ['content/hello', 'content/rocket', 'content/secret/thing', 'content/team/web/app']
    expect(await names(guest, `${mine}?sort=name`)).toEqual(all)
    expect(await names(guest, `${mine}?q=name%3D~secret`)).toEqual(['content/secret/thing'])
    expect(await names(stranger, `${V2}/repositories`)).toEqual(['shared/copies/app'])
    expect(await names(guest, `${V2}/repositories?sort=name`)).toEqual([...all, 'shared/copies/app'])
    await owner.must(200, 'PUT', repository('secret/thing'), { description: 'not for everybody' })
    expect((await guest.get(repository('secret/thing'))).json()).toMatchObject({
      name: 'content/secret/thing',
      description: 'not for everybody',
      artifact_count: 1,
    })
    expect((await guest.call('PUT', repository('secret/thing'), { description: 'x' })).status).toBe(403)
    expect((await guest.call('DELETE', repository('secret/thing'))).status).toBe(403)
    expect((await stranger.get(repository('secret/thing'))).status).toBe(403)
    expect((await new Api(suite.url).get(repository('secret/thing'))).status).toBe(401)
    await owner.must(200, 'DELETE', repository('secret/thing'))
    expect((await guest.get(repository('secret/thing'))).status).toBe(404)
    expect((await crane.tried('digest', `${at}/secret/thing:1`)).code).not.toBe(0)
    expect((await admin.get(artifacts('x', '', 'no-such'))).status).toBe(404)
  })
})

const KEEPS_MULTI = {
  scope_selectors: { repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: '**' }] },
  tag_selectors: [{ kind: 'doublestar', decoration: 'matches', pattern: 'multi' }],
}
