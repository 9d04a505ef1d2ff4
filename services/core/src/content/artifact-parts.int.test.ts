import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN, as, type ContentWorld, openContentWorld } from '../testing/content-world.ts'

let world: ContentWorld

beforeAll(async () => {
  world = await openContentWorld()
})
afterAll(() => world?.stop(), 30_000)

const one = (repository: string, rest: string) => {
  const [project, name = ''] = repository.split('/')
  return `/projects/${project}/repositories/${name}/artifacts/${rest}`
}

describe('the tags of an artifact', () => {
  it('are listed, made and taken away, each by who may', async () => {
    const { digest } = world.content.push({ repository: 'closed/tags', tags: ['1', 'kept'], immutable: ['kept'] })
    const tags = one('closed/tags', `${digest}/tags`)
    const list = async (query = '') => (await world.core.get(`${tags}${query}`, { as: as('limited') })).body
    expect(await list('?sort=name')).toMatchObject([
      { name: '1', immutable: false, pull_time: '0001-01-01T00:00:00.000Z' },
      { name: 'kept', immutable: false },
    ])
    expect(await list('?with_immutable_status=true&q=name%3Dkept')).toMatchObject([{ name: 'kept', immutable: true }])
    const make = (name: unknown, who = as('developer')) => world.core.post(tags, { as: who, body: { name } })
    const made = await make('stable')
    expect([made.status, made.headers.get('location')]).toEqual([201, `/api/v2.0${tags}/stable`])
    expect((await make('stable')).status).toBe(409)
    expect((await make('not a tag')).status).toBe(400)
    expect((await make('x'.repeat(129))).status).toBe(400)
    expect((await make(5)).status).toBe(400)
    expect((await make(undefined)).status).toBe(422)
    expect((await make('other', as('guest'))).status).toBe(403)
    const drop = (name: string, who = as('maintainer')) => world.core.delete(`${tags}/${name}`, { as: who })
    expect((await drop('stable', as('developer'))).status).toBe(403)
    expect((await drop('stable')).status).toBe(200)
    expect((await drop('stable')).status).toBe(404)
    expect((await drop('kept')).status).toBe(412)
    expect((await drop('%252e%252e')).status).toBe(404)
  })

  it('are not reached through another artifact', async () => {
    const first = world.content.push({ repository: 'closed/two', tags: ['one'] })
    world.content.push({ repository: 'closed/two', tags: ['other'] })
    const wrong = await world.core.delete(one('closed/two', `${first.digest}/tags/other`), { as: as('maintainer') })
    expect(wrong.status).toBe(404)
  })
})

describe('what an artifact carries beside its layers', () => {
  const read = (repository: string, rest: string, who = as('limited')) =>
    world.core.get(one(repository, `1/additions/${rest}`), { as: who })

  it('is linked to, and answered as what it is', async () => {
    const text = '# Chart\n<script>alert(1)</script>'
    world.content.push({
      repository: 'closed/chart',
      tags: ['1'],
      facts: { kind: 'CHART' },
      additions: { 'readme.md': { contentType: 'text/markdown; charset=utf-8', text } },
    })
    const { body } = await world.core.get(one('closed/chart', '1'), { as: as('guest') })
    const links = (body as { addition_links: Record<string, { href: string }> }).addition_links
    expect(Object.keys(links)).toEqual(['readme.md'])
    const readme = await world.core.get(links['readme.md']?.href ?? '', { as: as('guest') })
    expect([readme.status, readme.headers.get('content-type'), readme.text]).toEqual([
      200,
      'text/markdown; charset=utf-8',
      text,
    ])
    expect(readme.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
    expect(readme.headers.get('x-content-type-options')).toBe('nosniff')
  })

  it('is 400 where the kind has none, 422 where nothing is called so, 404 where it comes later', async () => {
    world.content.push({ repository: 'closed/plain', tags: ['1'] })
    expect((await read('closed/plain', 'values.yaml')).status).toBe(400)
    expect((await read('closed/plain', 'no-such')).status).toBe(422)
    expect((await read('closed/plain', 'vulnerabilities')).status).toBe(404)
    expect((await read('closed/none', 'values.yaml')).status).toBe(404)
    expect((await read('closed/plain', 'values.yaml', as('stranger'))).status).toBe(403)
  })

  it('is for an image the SBOM that is attached to it', async () => {
    const image = world.content.push({ repository: 'closed/sbom', tags: ['1'] })
    expect((await read('closed/sbom', 'sbom')).status).toBe(400)
    const contentType = 'application/vnd.goharbor.harbor.sbom.v1'
    const sbom = world.content.push({
      repository: 'closed/sbom',
      facts: { kind: 'SBOM', accessoryOf: image.digest, accessoryType: 'sbom.harbor' },
      additions: { sbom: { contentType, text: '{"spdx":1}' } },
    })
    const found = await read('closed/sbom', 'sbom')
    expect([found.headers.get('content-type'), found.text]).toEqual([contentType, '{"spdx":1}'])
    const { body } = await world.core.get(one('closed/sbom', '1'), { as: as('guest') })
    expect(body).toMatchObject({ addition_links: { sbom: { href: expect.stringContaining(sbom.digest) } } })
  })
})

describe('labels of an artifact', () => {
  const label = async (body: object): Promise<number> => {
    const made = await world.core.post('/labels', { as: ADMIN, body })
    expect(made.status, made.text).toBe(201)
    return Number(made.headers.get('location')?.split('/').at(-1))
  }
  const attach = (id: unknown, who = as('developer')) =>
    world.core.post(one('closed/labelled', '1/labels'), { as: who, body: { id } })
  const detach = (id: number | string, who = as('developer')) =>
    world.core.delete(one('closed/labelled', `1/labels/${id}`), { as: who })

  it('are of its project or of everybody, put on once and taken off', async () => {
    world.content.push({ repository: 'closed/labelled', tags: ['1'] })
    const ours = await label({ name: 'ours', scope: 'p', project_id: world.projects.closed })
    const everybodys = await label({ name: 'everybodys', scope: 'g' })
    for (const id of [ours, everybodys]) expect((await attach(id)).status).toBe(200)
    expect((await attach(ours)).status).toBe(409)
    const shown = async () => {
      const { body } = await world.core.get(one('closed/labelled', '1?with_label=true'), { as: as('limited') })
      return ((body as { labels?: { name: string }[] }).labels ?? []).map(({ name }) => name)
    }
    expect(await shown()).toEqual(['ours', 'everybodys'])
    const filtered = await world.core.get(
      `/projects/closed/repositories/labelled/artifacts?q=labels%3D(${ours}%20${everybodys})`,
      {
        as: as('limited'),
      },
    )
    expect(filtered.body).toHaveLength(1)
    expect((await detach(ours)).status).toBe(200)
    expect((await detach(ours)).status).toBe(404)
    expect(await shown()).toEqual(['everybodys'])
    const { body } = await world.core.get('/projects/closed/auditlog-exts?sort=op_time&q=operation%3Dupdate', {
      as: as('owner'),
    })
    expect(body).toMatchObject([
      { username: 'developer', resource_type: 'artifact', resource: 'closed/labelled:1' },
      { operation_description: expect.stringContaining('everybodys') },
      { operation_description: expect.stringContaining('ours') },
    ])
  })

  it('are not those of another project, and not for guests to change', async () => {
    world.content.push({ repository: 'closed/labelled', tags: ['1'] })
    const foreign = await label({ name: 'foreign', scope: 'p', project_id: world.projects.open })
    const unknown = await attach(999_999)
    const hidden = await attach(foreign)
    expect([unknown.status, hidden.status]).toEqual([404, 404])
    expect(hidden.text.replace(String(foreign), '999999')).toBe(unknown.text)
    expect((await detach(foreign)).status).toBe(404)
    expect((await detach(-1)).status).toBe(404)
    expect((await attach('x')).status).toBe(400)
    expect((await attach(undefined)).status).toBe(400)
    for (const who of ['guest', 'limited', 'stranger'] as const) {
      expect((await attach(1, as(who))).status).toBe(403)
      expect((await detach(1, as(who))).status).toBe(403)
    }
  })
})

describe('an icon', () => {
  it('is for everybody when it is one of ours', async () => {
    const { digest } = world.content.push({ repository: 'open/pictured', tags: ['1'] })
    const artifact = await world.core.get(one('open/pictured', digest))
    const { icon } = artifact.body as { icon: string }
    const { status, body } = await world.core.get(`/icons/${icon}`)
    expect([status, body]).toMatchObject([200, { 'content-type': 'image/svg+xml' }])
    const { content } = body as { content: string }
    expect(Buffer.from(content, 'base64').toString()).toContain('<svg ')
    expect((await world.core.get('/icons/no-digest')).status).toBe(400)
    expect((await world.core.get(`/icons/sha256:${'0'.repeat(64)}`)).status).toBe(404)
  })

  it('is for who may see an artifact that brought it', async () => {
    const digest = `sha256:${'7'.repeat(64)}`
    const bytes = Buffer.from('a picture')
    world.content.icons.set(digest, { contentType: 'image/png', bytes, projectId: world.projects.closed })
    const icon = { 'content-type': 'image/png', content: bytes.toString('base64') }
    for (const who of [ADMIN, as('limited')])
      expect((await world.core.get(`/icons/${digest}`, { as: who })).body).toEqual(icon)
    for (const who of [undefined, as('stranger')])
      expect((await world.core.get(`/icons/${digest}`, { as: who })).status).toBe(404)
  })
})
