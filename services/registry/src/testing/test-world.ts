import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { BlockList, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '@berth/db'
import { Unauthorized } from '@berth/errors'
import { answer, answerAsks, type Bus, connectBus, provision } from '@berth/messaging'
import { createLifecycle, natsSettings, Registry, type S3Settings, silentLogger } from '@berth/runtime'
import { type ThrowAwayNats, type ThrowAwayPostgres, tempDir, throwAwayNats, throwAwayPostgres } from '@berth/testkit'
import { accessGrant, keyList, NO_POLICY, type PublicKey, projectResolve, type RegistryProject } from '@berth/types'
import pg from 'pg'
import type { Config } from '../config.ts'
import { sweepContents } from '../manifest/index.ts'
import { purgeProjects } from '../project/index.ts'
import { openStorageOf, type StorageSettings } from '../storage/index.ts'
import { createTrash, sweepUploads, uploadStore } from '../upload/index.ts'
import { wire } from '../wire.ts'
import { accessTo, type TokenWish, testTokens } from './test-tokens.ts'

export interface Replica {
  url: string
  adminUrl: string
  stop(): Promise<void>
}

/** One in a process of its own. */
export interface SpawnedReplica extends Replica {
  pid: number
  /** As if the power went. */
  kill(): Promise<void>
  signal(name: NodeJS.Signals): void
}

/** Postgres, NATS, a core and a token service that answer as told, a storage, and replicas on top of them. */
export interface World {
  postgres: ThrowAwayPostgres
  nats: ThrowAwayNats
  /** Of one who may do everything. */
  bus: Bus
  databaseUrl: string
  storageRoot: string
  /** Where replicas keep bytes. */
  storage: StorageSettings
  /** What core answers; change it as a test needs it. */
  core: { projects: Map<string, RegistryProject>; passwords: Map<string, string>; grants: number; resolves: number }
  token(wish?: TokenWish): string
  /** A token for everything in one repository. */
  tokenFor(name: string, actions?: string[], of?: { project?: number; rev?: number }): string
  /** What Postgres has logged. */
  postgresLines: readonly string[]
  /** Straight from the tables. */
  sql<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** The housekeeping of one replica, at once. */
  sweep(): Promise<void>
  startReplica(overrides?: Partial<Config>): Promise<Replica>
  spawnReplica(overrides?: Partial<Config>): Promise<SpawnedReplica>
  stop(): Promise<void>
}

export function testProject(over: Partial<RegistryProject> = {}): RegistryProject {
  return {
    id: 1,
    name: 'library',
    kind: 'local',
    state: 'open',
    public: true,
    accessRevision: 1,
    quotaLimitBytes: -1,
    policy: NO_POLICY,
    revision: 1,
    ...over,
  }
}

/** @param s3 a bucket to keep bytes in; else a directory */
export async function openWorld({ s3 }: { s3?: S3Settings } = {}): Promise<World> {
  const postgresLines: string[] = []
  const [postgres, nats, storage] = await Promise.all([
    throwAwayPostgres({ onLine: (line) => void postgresLines.push(line) }),
    throwAwayNats(),
    tempDir('storage'),
  ])
  const bus = await connectBus({ user: 'everything', nats: natsSettings(nats.url), log: silentLogger })
  await provision(bus)
  const tokens = testTokens()
  const core: World['core'] = {
    projects: new Map([['library', testProject()]]),
    passwords: new Map([['alice', 'secret']]),
    grants: 0,
    resolves: 0,
  }
  await answerOthers(bus, core, tokens.keys)
  const stops: (() => Promise<void>)[] = []
  const pool = new pg.Pool({ connectionString: postgres.url, max: 2 })
  pool.on('error', () => undefined)

  const world: World = {
    postgres,
    postgresLines,
    nats,
    bus,
    databaseUrl: postgres.url,
    storageRoot: storage.path,
    storage: s3 ? { driver: 's3', s3, streamNetworks: new BlockList() } : { driver: 'filesystem', root: storage.path },
    core,
    token: (wish) => tokens.sign(wish),
    tokenFor: (name, actions = ['pull', 'push', 'delete'], of = {}) =>
      tokens.sign({ access: [accessTo(name, actions, of)] }),
    sql: async <Row>(text: string, values: readonly unknown[] = []) =>
      (await pool.query(text, [...values])).rows as Row[],
    async sweep() {
      const log = silentLogger
      const database = openDatabase({ url: world.databaseUrl, service: 'registry', schema: 'registry', log })
      const storage = await openStorageOf(world.storage)
      const ttlMs = 86_400_000
      try {
        const store = uploadStore(database, { holder: 'test', ttlMs })
        await sweepUploads({ store, storage, trash: createTrash(database, storage), ttlMs })
        await sweepContents(database)
        await purgeProjects(database)
      } finally {
        await database.close()
      }
    },
    async startReplica(overrides = {}) {
      const life = createLifecycle(silentLogger, { graceMs: 5_000 })
      const config = { ...(await freshConfig(world)), ...overrides }
      await wire(config, { log: silentLogger, life, metrics: new Registry() })
      stops.push(() => life.stop())
      return { ...urlsOf(config), stop: () => life.stop() }
    },
    async spawnReplica(overrides = {}) {
      const config = { ...(await freshConfig(world)), ...overrides }
      const child = spawn(
        process.execPath,
        [
          '--conditions=@berth/source',
          '--max-semi-space-size=4',
          fileURLToPath(new URL('../main.ts', import.meta.url)),
        ],
        { env: environmentOf(config), stdio: ['ignore', 'ignore', 'inherit'] },
      )
      const exited = once(child, 'exit')
      const end = (signal: NodeJS.Signals) => async () => {
        child.kill(signal)
        await exited
      }
      stops.push(end('SIGKILL'))
      const { url, adminUrl } = urlsOf(config)
      const pid = child.pid ?? 0
      await untilReady(adminUrl)
      return { pid, url, adminUrl, stop: end('SIGTERM'), kill: end('SIGKILL'), signal: (name) => void child.kill(name) }
    },
    async stop() {
      for (const stop of stops.reverse()) await stop()
      await Promise.all([bus.close(), pool.end()])
      await Promise.all([postgres.stop(), nats.stop(), storage.remove()])
    },
  }
  return world
}

async function answerOthers(bus: Bus, core: World['core'], keys: PublicKey[]): Promise<void> {
  const version = '0.0.0'
  await answerAsks(bus, {
    service: 'token',
    version,
    log: silentLogger,
    answers: [answer(keyList, async () => ({ keys }))],
  })
  await answerAsks(bus, {
    service: 'core',
    version,
    log: silentLogger,
    answers: [
      answer(projectResolve, async ({ name }) => {
        core.resolves++
        return { project: core.projects.get(name) ?? null }
      }),
      answer(accessGrant, async ({ credentials, scopes }) => {
        core.grants++
        if (credentials.kind !== 'basic' || core.passwords.get(credentials.username) !== credentials.password) {
          throw new Unauthorized('unauthorized')
        }
        const access = scopes.map(({ name, actions }) => {
          const project = core.projects.get(name.split('/')[0] ?? '')
          if (project === undefined) return { type: 'repository', name, actions: [] }
          return accessTo(name, actions, { project: project.id, rev: project.accessRevision })
        })
        const identity = {
          kind: 'user' as const,
          name: credentials.username,
          id: 3,
          admin: credentials.username === 'admin',
        }
        return { identity, access, tokenSeconds: 600 }
      }),
    ],
  })
}

async function freshConfig(world: World): Promise<Config> {
  return {
    listen: { host: '127.0.0.1', port: await freePort() },
    adminListen: { host: '127.0.0.1', port: await freePort() },
    nats: natsSettings(world.nats.url),
    logLevel: 'error',
    replica: 0,
    graceMs: 5_000,
    databaseUrl: world.databaseUrl,
    storage: world.storage,
    gc: { windowMs: 7_200_000, graceMs: 10_000 },
    scrubBytesPerSecond: 0,
  }
}

function urlsOf({ listen, adminListen }: Config): { url: string; adminUrl: string } {
  return { url: `http://127.0.0.1:${listen.port}`, adminUrl: `http://127.0.0.1:${adminListen.port}` }
}

function environmentOf(config: Config): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    BERTH_REGISTRY_LISTEN: `127.0.0.1:${config.listen.port}`,
    BERTH_REGISTRY_ADMIN_LISTEN: `127.0.0.1:${config.adminListen.port}`,
    BERTH_REGISTRY_DATABASE_URL: config.databaseUrl,
    ...environmentOfStorage(config.storage),
    GC_TIME_WINDOW_HOURS: String(config.gc.windowMs / 3_600_000),
    BERTH_REGISTRY_GC_GRACE_SECONDS: String(config.gc.graceMs / 1_000),
    BERTH_REGISTRY_SCRUB_MIB_PER_SECOND: String(config.scrubBytesPerSecond / 1_048_576),
    BERTH_LOG_LEVEL: config.logLevel,
    BERTH_PARENT_PID: String(process.pid),
    NATS_URL: config.nats.user
      ? config.nats.url.replace('://', `://${config.nats.user}:${config.nats.pass}@`)
      : config.nats.url,
  }
}

function environmentOfStorage(storage: StorageSettings): NodeJS.ProcessEnv {
  if (storage.driver === 'filesystem') return { BERTH_REGISTRY_ROOT: storage.root }
  const { endpoint, bucket, prefix, credentials, redirect } = storage.s3
  return {
    BERTH_STORAGE: 's3',
    BERTH_S3_ENDPOINT: `http://${endpoint.host}:${endpoint.port}`,
    BERTH_S3_BUCKET: bucket,
    BERTH_S3_PREFIX: prefix,
    BERTH_S3_ACCESS_KEY: credentials?.accessKey,
    BERTH_S3_SECRET_KEY: credentials?.secretKey,
    BERTH_S3_REDIRECT: String(redirect),
  }
}

async function untilReady(adminUrl: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const answered = await fetch(`${adminUrl}/readyz`).catch(() => undefined)
    if (answered?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('a replica did not become ready')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
