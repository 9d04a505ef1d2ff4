import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ThrowAwayPostgres, throwAwayPostgres } from '@berth/testkit'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BroughtTag, TagSource } from './tag-source.ts'
import { tagsFromHarbor } from './tags-from-harbor.ts'
import { tagsFromHarborDatabase } from './tags-from-harbor-database.ts'

const digest = (n: number) => `sha256:${String(n).padStart(64, '0')}`

async function all(source: TagSource, repository: string): Promise<BroughtTag[] | undefined> {
  const tags = await source.tagsOf(repository)
  if (tags === undefined) return undefined
  const found: BroughtTag[] = []
  for await (const tag of tags) found.push(tag)
  return found
}

describe('the tags of a Harbor, by its API', () => {
  let server: Server
  let url: URL
  const asked: { path: string; authorization?: string }[] = []
  let artifacts: unknown[] = []

  beforeAll(async () => {
    server = createServer((req, res) => {
      asked.push({ path: req.url ?? '', authorization: req.headers.authorization })
      const { pathname, searchParams } = new URL(req.url ?? '', 'http://x')
      const answer = (status: number, body: unknown) =>
        res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      if (pathname.endsWith('/elsewhere/artifacts')) {
        return void answer(404, { errors: [{ code: 'NOT_FOUND', message: 'repository not found' }] })
      }
      if (pathname.endsWith('/locked/artifacts')) {
        return void answer(401, { errors: [{ code: 'UNAUTHORIZED', message: 'who are you' }] })
      }
      if (pathname.endsWith('/moved/artifacts'))
        return void res.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
      const size = Number(searchParams.get('page_size'))
      const page = Number(searchParams.get('page'))
      answer(200, artifacts.slice((page - 1) * size, page * size))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  })
  afterAll(() => server?.close())

  it('come page by page, with their times, and those of cosign signatures by what they sign', async () => {
    asked.length = 0
    artifacts = Array.from({ length: 250 }, (_, i) => ({
      digest: digest(i),
      push_time: '2024-01-02T03:04:05.678Z',
      tags:
        i === 7
          ? null
          : [{ name: `v${i}`, push_time: '2024-01-02T03:04:05.678Z', pull_time: '0001-01-01T00:00:00.000Z' }],
      accessories:
        i === 9
          ? [{ type: 'signature.cosign', digest: digest(9_999), creation_time: '2024-02-03T04:05:06.000Z' }]
          : null,
    }))
    const source = tagsFromHarbor(url, { username: 'robot$berth', password: 'hidden' })
    const tags = await all(source, 'library/deep/app')
    expect(tags).toHaveLength(250)
    expect(tags?.[0]).toEqual({ name: 'v0', digest: digest(0), pushedAt: new Date('2024-01-02T03:04:05.678Z') })
    expect(tags).toContainEqual({
      name: `sha256-${'0'.repeat(63)}9.sig`,
      digest: digest(9_999),
      pushedAt: new Date('2024-02-03T04:05:06.000Z'),
    })
    expect(asked).toHaveLength(3)
    expect(asked[0]?.path).toMatch(/^\/api\/v2\.0\/projects\/library\/repositories\/deep%252Fapp\/artifacts\?/)
    const authorization = `Basic ${Buffer.from('robot$berth:hidden').toString('base64')}`
    expect(new Set(asked.map((one) => one.authorization))).toEqual(new Set([authorization]))
  })

  it('are none of a repository it does not know', async () => {
    expect(await all(tagsFromHarbor(url, undefined), 'library/elsewhere')).toBeUndefined()
  })

  it('are not had without the right, nor from where it sends us', async () => {
    const source = tagsFromHarbor(url, { username: 'a', password: 'hidden-password' })
    for (const name of ['library/locked', 'library/moved']) {
      const failure = await all(source, name).catch((err: Error) => err)
      expect(failure).toMatchObject({ name: 'HarborRefused' })
      expect(String(failure)).not.toContain('hidden-password')
    }
  })
})

describe('the tags of a Harbor, by its database', () => {
  let postgres: ThrowAwayPostgres
  beforeAll(async () => {
    postgres = await throwAwayPostgres()
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    await client.query(`
      CREATE TABLE repository (repository_id serial PRIMARY KEY, name varchar(255) NOT NULL UNIQUE);
      CREATE TABLE artifact (id serial PRIMARY KEY, repository_id int NOT NULL, digest varchar(255) NOT NULL);
      CREATE TABLE tag (id serial PRIMARY KEY, repository_id int NOT NULL, artifact_id int NOT NULL REFERENCES artifact,
        name varchar(255) NOT NULL, push_time timestamp, pull_time timestamp, UNIQUE (repository_id, name));
      INSERT INTO repository (name) VALUES ('library/app'), ('library/empty');
      INSERT INTO artifact (repository_id, digest) SELECT 1, 'sha256:' || lpad(i::text, 64, '0') FROM generate_series(0, 9) i;
      INSERT INTO tag (repository_id, artifact_id, name, push_time, pull_time)
        SELECT 1, 1 + i % 10, 'v' || i, timestamp '2024-01-02 03:04:05', timestamp '0001-01-01' FROM generate_series(0, 2499) i;
    `)
    await client.end()
  })
  afterAll(() => postgres?.stop())

  it('come in pages, in UTC, and nothing is written there', async () => {
    const source = await tagsFromHarborDatabase(new URL(postgres.url), undefined)
    try {
      const tags = await all(source, 'library/app')
      expect(tags).toHaveLength(2_500)
      expect(new Set(tags?.map(({ name }) => name)).size).toBe(2_500)
      const one = tags?.find(({ name }) => name === 'v13')
      expect(one).toEqual({ name: 'v13', digest: digest(3), pushedAt: new Date('2024-01-02T03:04:05Z') })
      expect(await all(source, 'library/empty')).toEqual([])
      expect(await all(source, 'library/elsewhere')).toBeUndefined()
      expect(source.name).not.toContain(new URL(postgres.url).password)
    } finally {
      await source.close()
    }
  })

  it('are not had from what is no database of Harbor', async () => {
    await expect(tagsFromHarborDatabase(new URL('postgres://x@127.0.0.1:9/none'), 'hidden-password')).rejects.toThrow(
      /^cannot reach the database of Harbor at 127\.0\.0\.1:9$/,
    )
  })
})
