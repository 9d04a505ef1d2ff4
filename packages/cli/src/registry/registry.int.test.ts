import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Suite } from '@berth/embedded'
import { sha256, someImage, type ThrowAwayPostgres, throwAwayPostgres } from '@berth/testkit'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type CapturedWorld, capturedWorld } from '../captured-world.ts'

describe('berth registry', () => {
  let postgres: ThrowAwayPostgres
  let world: CapturedWorld
  let server: Server
  let url: string
  let sleeper: ChildProcess | undefined
  const made: string[] = []

  /** Core as far as it counts here: a project that is made is in force. */
  async function makeProject(name: string): Promise<void> {
    made.push(name)
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    await client.query(
      `INSERT INTO registry.project (id, name, kind, state, public, access_revision, quota_limit, revision)
       VALUES ($1, $2, 'local', 'open', false, 1, -1, 1)`,
      [made.length, name],
    )
    await client.end()
  }

  beforeAll(async () => {
    // The registry is started as this process is: from its sources.
    process.execArgv.push('--conditions=@berth/source')
    postgres = await throwAwayPostgres()
    server = createServer(async (req, res) => {
      const body = JSON.parse((await text(req)) || '{}')
      const isProject = req.method === 'POST' && req.url === '/api/v2.0/projects'
      if (isProject && body.metadata?.public === 'false') await makeProject(body.project_name)
      res.writeHead(isProject ? 201 : 404).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(async () => {
    process.execArgv.pop()
    server?.close()
    await postgres?.stop()
  })
  beforeEach(async () => {
    world = await capturedWorld()
  })
  afterEach(async () => {
    sleeper?.kill()
    sleeper = undefined
    await world.remove()
  })

  /** A suite whose registry has these settings; nothing but the settings is asked of it. */
  async function suiteOf(settings: NodeJS.ProcessEnv): Promise<void> {
    sleeper = spawn('sleep', ['600'], { env: { PATH: process.env.PATH, ...settings }, stdio: 'ignore' })
    await once(sleeper, 'spawn')
    const suite: Suite = {
      version: '0.1.0',
      url,
      pid: process.pid,
      processes: [
        {
          service: 'registry',
          replica: 0,
          pid: sleeper.pid ?? 0,
          http: 'http://127.0.0.1:1',
          admin: 'http://127.0.0.1:2',
        },
      ],
      nats: { url: 'nats://127.0.0.1:3', credentials: null },
      database: { url: 'postgres://127.0.0.1:4/berth', user: 'berth' },
      parts: [],
    }
    await mkdir(join(world.home, 'data'), { recursive: true })
    await writeFile(join(world.home, 'data', 'suite.json'), JSON.stringify(suite))
    await writeFile(join(world.home, 'data', 'admin-password'), 'Made-at-first-1\n')
  }

  async function storageWith(name: string): Promise<string> {
    const image = someImage()
    const top = join(world.home, 'old', 'docker', 'registry', 'v2')
    const put = async (path: string, content: Uint8Array | string) => {
      await mkdir(dirname(join(top, path)), { recursive: true })
      await writeFile(join(top, path), content)
    }
    const hexOf = (digest: string) => digest.slice('sha256:'.length)
    for (const bytes of [image.config, ...image.layers, image.manifest]) {
      const hex = hexOf(sha256(bytes))
      await put(`blobs/sha256/${hex.slice(0, 2)}/${hex}/data`, bytes)
      const link = bytes === image.manifest ? '_manifests/revisions' : '_layers'
      await put(`repositories/${name}/${link}/sha256/${hex}/link`, sha256(bytes))
    }
    await put(`repositories/${name}/_manifests/tags/latest/current/link`, image.digest)
    return join(world.home, 'old')
  }

  const settings = () => ({
    BERTH_REGISTRY_DATABASE_URL: postgres.url,
    BERTH_REGISTRY_ROOT: join(world.home, 'registry'),
  })

  it("works on the suite's own database and storage, and makes the projects that are missing, private", async () => {
    await suiteOf(settings())
    const place = await storageWith('brought/app')
    const { code, stdout, stderr } = await world.run(['registry', 'adopt', place, '-o', 'json'])
    expect(code, stderr).toBe(0)
    expect(made).toEqual(['brought'])
    expect(stderr).toContain('made the project brought, private')
    expect(JSON.parse(stdout).figures).toMatchObject({ repositories: 1, manifests: 1, tags: 1, blobs: 2 })
    expect(stdout + stderr).not.toContain(new URL(postgres.url).password)
  }, 60_000)

  it('names the projects that are missing where there is nobody to make them', async () => {
    Object.assign(world.env, settings())
    const { code, stderr } = await world.run(['registry', 'adopt', await storageWith('lonely/app')])
    expect(code).toBe(1)
    expect(stderr).toMatch(/make these projects, or say where: lonely \(no suite runs/)
  }, 60_000)

  it('works beside a registry of its own by the settings of that, and prints a table', async () => {
    Object.assign(world.env, settings())
    const place = await storageWith('brought/again')
    const { code, stdout, stderr } = await world.run(['registry', 'adopt', place])
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/^manifests +1$/m)
    expect(stdout).toMatch(/^blob bytes +\d+(\.\d)? (B|KiB)$/m)
  }, 60_000)

  it('leaves behind what can be collected, read and compared', async () => {
    Object.assign(world.env, settings())
    const place = await storageWith('brought/kept')
    expect((await world.run(['registry', 'adopt', place])).code).toBe(0)
    const gc = await world.run(['registry', 'gc', '--dry-run', '--workers', '2', '-o', 'json'])
    expect(gc.code, gc.stderr).toBe(0)
    expect(JSON.parse(gc.stdout).figures).toMatchObject({ state: 'finished', dryRun: true, purgedBlobs: 0 })
    const fsck = await world.run(['registry', 'fsck', '-o', 'json'])
    // The storages of the tests before this one went with their homes.
    expect(JSON.parse(fsck.stdout).figures.rows).toBeGreaterThanOrEqual(2)
    const scrub = await world.run(['registry', 'scrub', '--rate', '100', '-o', 'json'])
    expect(JSON.parse(scrub.stdout).figures.checked).toBeGreaterThanOrEqual(3)
    expect((await world.run(['registry', 'gc', '--workers', '11'])).code).toBe(2)
    expect((await world.run(['registry', 'gc', '--resume', '999'])).code).toBe(3)
  }, 60_000)

  it('says what is wrong with how it is called', async () => {
    Object.assign(world.env, settings())
    const cases: [string[], number, RegExp][] = [
      [[], 2, /name the directory/],
      [['/nowhere'], 3, /holds no storage of a registry/],
      [['/nowhere', '--release-untagged'], 2, /name no place/],
      [['--tags-from', 'postgres://a:secret@127.0.0.1/registry', world.home], 2, /must not hold a password/],
    ]
    for (const [args, expected, message] of cases) {
      const { code, stderr } = await world.run(['registry', 'adopt', ...args])
      expect(stderr).toMatch(message)
      expect([args, code]).toEqual([args, expected])
      expect(stderr).not.toContain('secret')
    }
  }, 60_000)

  it('fails where neither a suite runs nor a database is named', async () => {
    const { code, stderr } = await world.run(['registry', 'adopt', '/tmp'])
    expect(code).toBe(2)
    expect(stderr).toContain('BERTH_REGISTRY_DATABASE_URL is not set')
  })
})
