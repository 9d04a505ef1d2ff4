import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ADMIN, as, type ContentWorld, openContentWorld } from '../testing/content-world.ts'

let world: ContentWorld

beforeAll(async () => {
  world = await openContentWorld()
})
beforeEach(() => {
  world.takeAsked()
})
afterAll(() => world?.stop(), 30_000)

type Body = Record<string, unknown> & { digest: string; tags?: { name: string; immutable: boolean }[] }
const bodies = (body: unknown) => body as Body[]
const digests = (body: unknown) => bodies(body).map(({ digest }) => digest)
const at = (repository: string, rest = '') => {
  const [project = '', ...name] = repository.split('/')
  return `/projects/${project}/repositories/${encodeURIComponent(encodeURIComponent(name.join('/')))}/artifacts${rest}`
}

/** An index of two children with a signature, a tagged image and one without a tag. */
function pushFamily(repository: string) {
  const { content } = world
  const children = ['amd64', 'arm64'].map((architecture) =>
    content.push({ repository, facts: { extraAttrs: { architecture } }, additions: { build_history: JSON_LIST } }),
  )
  const index = content.push({
    repository,
    tags: ['multi', 'v2'],
    immutable: ['v2'],
    facts: {
      mediaType: 'application/vnd.oci.image.index.v1+json',
      configMediaType: null,
      referenceCount: 2,
      references: children.map(({ id, digest }) => ({
        parentId: 0,
        childId: id,
        childDigest: digest,
        platform: { os: 'linux' },
        annotations: null,
        urls: null,
      })),
    },
  })
  const signature = content.push({
    repository,
    facts: { kind: 'UNKNOWN', accessoryOf: index.digest, accessoryType: 'signature.cosign' },
  })
  const plain = content.push({ repository, tags: ['plain'] })
  const untagged = content.push({ repository })
  return { children, index, signature, plain, untagged }
}
const JSON_LIST = { contentType: 'application/json; charset=utf-8', text: '[{"created_by":"COPY / /"}]' }

describe('artifacts of a repository', () => {
  it('are listed without children and accessories, and by every extra of q', async () => {
    const { children, index, signature, plain, untagged } = pushFamily('closed/team/list')
    const list = async (q = '') =>
      digests(
        (await world.core.get(at('closed/team/list', q && `?q=${encodeURIComponent(q)}`), { as: as('limited') })).body,
      )
    const shown = [untagged, plain, index].map(({ digest }) => digest)
    expect(await list()).toEqual(shown)
    expect(await list('base=*')).toEqual(
      [untagged, plain, signature, index, ...children.toReversed()].map((o) => o.digest),
    )
    expect(await list('tags=*')).toEqual([plain.digest, index.digest])
    expect(await list('tags=nil')).toEqual([untagged.digest])
    expect(await list('tags=~MUL')).toEqual([index.digest])
    expect(await list(`digest=${plain.digest}`)).toEqual([plain.digest])
    expect(await list('media_type=application/vnd.oci.image.index.v1+json')).toEqual([index.digest])
    expect(await list('type=CHART')).toEqual([])
    expect(await list('nothing=known')).toEqual(shown)
    expect((await world.core.get(at('closed/team/list', '?q=labels%3D%5B1~2%5D'), { as: as('guest') })).status).toBe(
      400,
    )
  })

  it('show what each flag asks for, at the cost of one ask', async () => {
    const { index, signature } = pushFamily('closed/flags')
    const list = async (flags: string) => {
      const answer = await world.core.get(at('closed/flags', `?q=tags%3Dmulti&${flags}`), { as: as('guest') })
      expect(answer.status, answer.text).toBe(200)
      return bodies(answer.body)[0]
    }
    const bare = await list('')
    expect(bare).toMatchObject({ digest: index.digest, type: 'IMAGE', repository_name: 'closed/flags' })
    expect(bare?.tags).toMatchObject([
      { name: 'multi', immutable: false },
      { name: 'v2', immutable: false },
    ])
    for (const name of ['labels', 'accessories', 'inherited_accessories', 'scan_overview', 'sbom_overview']) {
      expect(bare).not.toHaveProperty(name)
    }
    expect(bare?.references).toMatchObject([{ platform: { os: 'linux' } }, { platform: { os: 'linux' } }])
    expect(await list('with_tag=false')).not.toHaveProperty('tags')
    expect((await list('with_immutable_status=true'))?.tags).toMatchObject([{ immutable: false }, { immutable: true }])
    expect((await list('with_accessory=true'))?.accessories).toMatchObject([
      { digest: signature.digest, type: 'signature.cosign', subject_artifact_digest: index.digest },
    ])
    const scanned = await list('with_scan_overview=true&with_sbom_overview=true&with_signature=true')
    expect(scanned).toEqual(bare)
    const child = await world.core.get(
      at('closed/flags', `/${index.references[0]?.childDigest}?with_inherited_accessory=true`),
      {
        as: as('guest'),
      },
    )
    expect(child.body).toMatchObject({ inherited_accessories: [{ digest: signature.digest }] })
    expect(world.takeAsked().filter((ask) => ask !== 'artifact.get')).toEqual(Array(5).fill('artifact.search'))
  })

  it('are all there for page_size=0, up to a thousand, in ten asks at most', async () => {
    for (let n = 0; n < 120; n++) world.content.push({ repository: 'closed/many', tags: [`t${n}`] })
    const all = await world.core.get(at('closed/many', '?page_size=0'), { as: as('guest') })
    expect(new Set(digests(all.body)).size).toBe(120)
    expect(all.headers.get('x-total-count')).toBe('120')
    expect(all.headers.has('link')).toBe(false)
    expect(world.takeAsked()).toEqual(['artifact.search', 'artifact.search'])
    const page = await world.core.get(at('closed/many', '?page=2&page_size=50'), { as: as('guest') })
    expect(page.headers.get('link')).toContain('page=3&page_size=50>; rel="next"')
  })

  it('are 404 where there is no such repository, and hidden where there is no role', async () => {
    pushFamily('closed/hidden')
    expect((await world.core.get(at('closed/no-such'), { as: as('guest') })).status).toBe(404)
    for (const repository of ['closed/hidden', 'closed/no-such', 'no-project/x']) {
      expect((await world.core.get(at(repository))).status).toBe(401)
      expect((await world.core.get(at(repository), { as: as('stranger') })).status).toBe(403)
    }
    expect(world.takeAsked()).toEqual(['artifact.search'])
  })
})

describe('artifacts of a project', () => {
  it('are those of all its repositories, or of each the latest', async () => {
    const { core, content } = world
    const body = { project_name: 'wide', metadata: { public: 'false' } }
    expect((await core.post('/projects', { as: as('owner'), body })).status).toBe(201)
    const list = (query = '', who = as('owner')) => core.get(`/projects/wide/artifacts${query}`, { as: who })
    expect([(await list()).body, (await list()).headers.get('x-total-count')]).toEqual([[], '0'])
    const [, second] = ['1', '2'].map((tag) => content.push({ repository: 'wide/a', tags: [tag] }))
    const other = content.push({ repository: 'wide/b', tags: ['1'] })
    expect(digests((await list()).body)).toHaveLength(3)
    const media = 'q=media_type%3Dapplication/vnd.oci.image.config.v1%2Bjson'
    expect(digests((await list(`?latest_in_repository=true&${media}`)).body)).toEqual([other.digest, second?.digest])
    expect((await list('?latest_in_repository=true')).status).toBe(400)
    expect((await list('', as('stranger'))).status).toBe(403)
  })

  it('are found by the name of the project or its id', async () => {
    world.content.push({ repository: 'open/tool', tags: ['1'] })
    for (const project of ['open', world.projects.open]) {
      expect(bodies((await world.core.get(`/projects/${project}/artifacts`)).body)).toHaveLength(1)
    }
    const forced = { 'X-Is-Resource-Name': 'true' }
    const byName = await world.core.get(`/projects/${world.projects.open}/artifacts`, { as: ADMIN, headers: forced })
    expect(byName.status).toBe(404)
  })
})

describe('one artifact', () => {
  it('is found by tag and by digest', async () => {
    const { plain } = pushFamily('closed/one')
    for (const reference of ['plain', plain.digest, plain.digest.replace(':', '%3A')]) {
      const found = await world.core.get(at('closed/one', `/${reference}`), { as: as('limited') })
      expect(found.body).toMatchObject({ digest: plain.digest, pull_time: '0001-01-01T00:00:00.000Z' })
    }
    for (const reference of ['none', `sha256:${'0'.repeat(64)}`, 'sha256:1', '..%252f', 'a%20b']) {
      expect((await world.core.get(at('closed/one', `/${reference}`), { as: as('guest') })).status).toBe(404)
    }
  })

  it('is not found through another project or repository', async () => {
    const { plain } = pushFamily('closed/mine')
    world.content.push({ repository: 'open/mine', tags: ['other'] })
    expect((await world.core.get(at('open/mine', `/${plain.digest}`), { as: ADMIN })).status).toBe(404)
    expect((await world.core.delete(at('open/mine', `/${plain.digest}`), { as: ADMIN })).status).toBe(404)
  })

  it('is deleted by maintainers, unless an index or a rule keeps it', async () => {
    const { children, index, plain, signature } = pushFamily('closed/delete')
    const drop = (reference: string, who = as('maintainer')) =>
      world.core.delete(at('closed/delete', `/${reference}`), { as: who })
    expect((await drop(plain.digest, as('developer'))).status).toBe(403)
    expect((await drop(plain.digest)).status).toBe(200)
    expect((await drop(plain.digest)).status).toBe(404)
    const child = await drop(children[0]?.digest ?? '')
    expect([child.status, child.body]).toMatchObject([412, { errors: [{ code: 'VIOLATE_FOREIGN_KEY_CONSTRAINT' }] }])
    expect((await drop('multi')).status).toBe(412)
    expect((await drop(signature.digest)).status).toBe(200)
    expect(index.digest).not.toBe(signature.digest)
  })

  it('has accessories, listed and counted', async () => {
    const { index, signature } = pushFamily('closed/signed')
    const list = (query = '') =>
      world.core.get(at('closed/signed', `/multi/accessories${query}`), { as: as('limited') })
    const all = await list()
    expect(all.body).toMatchObject([
      { digest: signature.digest, subject_artifact_digest: index.digest, subject_artifact_repo: 'closed/signed' },
    ])
    expect(all.headers.get('x-total-count')).toBe('1')
    expect((await list('?q=type%3Dsbom.harbor')).body).toEqual([])
    expect((await world.core.get(at('closed/signed', '/none/accessories'), { as: as('guest') })).status).toBe(404)
  })

  it('is judged anew when access has changed in between', async () => {
    pushFamily('closed/raced')
    const { put } = world.surroundings.peers
    const known = put.findLast(({ id }) => id === world.projects.closed)
    if (known === undefined) throw new Error('the project was never put')
    put.push({ ...known, accessRevision: known.accessRevision + 1, revision: known.revision + 1 })
    try {
      const refused = await world.core.get(at('closed/raced'), { as: as('guest') })
      expect([refused.status, refused.body]).toMatchObject([412, { errors: [{ code: 'PRECONDITION' }] }])
    } finally {
      put.pop()
    }
    expect((await world.core.get(at('closed/raced'), { as: as('guest') })).status).toBe(200)
  })
})

describe('a copy', () => {
  const copy = (to: string, from: string, who = as('developer')) =>
    world.core.post(at(to, `?from=${encodeURIComponent(from)}`), { as: who })

  it('is made turn by turn where the caller may read and write', async () => {
    const { plain } = pushFamily('closed/source')
    world.content.setTurns(2)
    world.takeAsked()
    try {
      const made = await copy('closed/team/target', 'closed/source:plain')
      expect([made.status, made.headers.get('location')]).toEqual([
        201,
        `/api/v2.0/projects/closed/repositories/team%252Ftarget/artifacts/${plain.digest}`,
      ])
    } finally {
      world.content.setTurns(0)
    }
    expect(world.takeAsked()).toEqual(Array(3).fill('artifact.copy'))
    const there = await world.core.get(at('closed/team/target', '/plain'), { as: as('guest') })
    expect(there.body).toMatchObject({ digest: plain.digest, tags: [{ name: 'plain' }] })
    expect((await copy('closed/by-digest', `closed/source@${plain.digest}`)).status).toBe(201)
  })

  it('needs a role in both projects', async () => {
    pushFamily('closed/secret')
    world.content.push({ repository: 'library/free', tags: ['1'] })
    const mine = { project_name: 'strangers', metadata: { public: 'false' } }
    await world.core.post('/projects', { as: as('stranger'), body: mine })
    expect((await copy('closed/x', 'library/free:1', as('guest'))).status).toBe(403)
    expect((await copy('closed/x', 'library/free:1', as('developer'))).status).toBe(201)
    expect((await copy('strangers/x', 'closed/secret:plain', as('stranger'))).status).toBe(403)
    expect((await copy('strangers/x', 'no-such/secret:plain', as('stranger'))).status).toBe(403)
    expect((await copy('strangers/x', 'library/free:1', as('stranger'))).status).toBe(201)
    expect((await world.core.post(at('closed/x', '?from=library/free:1'))).status).toBe(401)
  })

  it('is refused when nothing is named, or what is named is not there', async () => {
    pushFamily('closed/from')
    expect((await copy('closed/x', 'closed/from')).status).toBe(400)
    expect((await copy('closed/x', 'closed/from:none')).status).toBe(404)
    expect((await copy('closed/x', 'closed/no-such:1')).status).toBe(404)
    expect((await copy('closed/UPPER', 'closed/from:plain')).status).toBe(404)
    expect((await world.core.post(at('closed/x'), { as: as('developer') })).status).toBe(422)
  })
})
