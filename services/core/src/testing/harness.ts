import { PreconditionFailed } from '@berth/errors'
import { type Answer, answer, answerAsks, type Bus, connectBus, provision } from '@berth/messaging'
import { createLifecycle, createMetrics, natsSettings, type ServiceLogger, silentLogger } from '@berth/runtime'
import {
  suiteAccounts,
  type ThrowAwayNats,
  type ThrowAwayPostgres,
  throwAwayNats,
  throwAwayPostgres,
} from '@berth/testkit'
import {
  healthCheck,
  keyRotate,
  linesSearch,
  modePut,
  personIssue,
  projectClose,
  projectCount,
  projectPut,
  type RegistryProject,
  type RequestOf,
  type ServiceName,
  storageUsage,
  usageReconcile,
} from '@berth/types'
import type { Core } from '../assemble.ts'
import { loadConfig } from '../config.ts'
import type { SettingValues } from '../setting/table.ts'
import { wire } from '../wire.ts'
import { createClient, type TestClient } from './harness-client.ts'
import { createRegistryDouble, type RegistryDouble } from './registry-double.ts'
import { storeSettings } from './store-settings.ts'

/** For tests: a Postgres, a NATS with the users of a suite, and the services core asks. */
export interface Surroundings {
  postgres: ThrowAwayPostgres
  nats: ThrowAwayNats
  peers: Peers
  /** Connects as one of the users of a suite. */
  connect(user: string): Promise<Bus>
  /** Starts the service on random ports, on a fresh database unless told which. */
  startCore(env?: NodeJS.ProcessEnv): Promise<RunningCore>
  stop(): Promise<void>
}

export interface RunningCore extends TestClient {
  /** What was logged as an error. */
  errors: { message: string; fields?: Record<string, unknown> }[]
  url: string
  admin: string
  databaseUrl: string
  /** Its parts, for what runs by the clock. */
  assembled: Core
  /** Puts settings in force as they are: no rule is asked and nobody else is told at once. */
  set(values: SettingValues): Promise<void>
  stop(): Promise<void>
}

/** What the services core asks were told, and how they answer. */
interface Peers {
  /** The projects the registry was given, the newest last. */
  put: RegistryProject[]
  closed: RequestOf<typeof projectClose>[]
  /** The modes the registry was given, the newest last. */
  modes: RequestOf<typeof modePut>[]
  /** How many times the registry was asked to reconcile usage. */
  reconciled: number
  /** How many times the registry was asked to count. */
  counts: number
  /** What the registry holds, and how it answers about it. */
  content: RegistryDouble
  /** Repositories by project id, of projects nothing was put into. */
  repositories: Map<number, number>
  searched: RequestOf<typeof linesSearch>[]
  issued: RequestOf<typeof personIssue>[]
  /** Lets a service fall silent, and come back. */
  silence(service: ServiceName): Promise<void>
  wake(service: ServiceName): Promise<void>
}

export const ADMIN_PASSWORD = 'Harbor12345'
const SECRET_KEY = 'Jr9kZ1xYv0mQ3sT6uW8yB+C/eH4kM7pRtUwXzA2D5f0='

export async function openSurroundings(): Promise<Surroundings> {
  const [postgres, nats] = await Promise.all([throwAwayPostgres(), throwAwayNats({ users: suiteAccounts() })])
  const connect = (user: string) => connectBus({ user, nats: natsSettings(nats.urlOf(user)), log: silentLogger })
  const provisioner = await connect('provision')
  await provision(provisioner)
  await provisioner.close()
  const { peers, stop: stopPeers } = await startPeers(connect)
  return {
    postgres,
    nats,
    peers,
    connect,
    async startCore(env = {}) {
      const databaseUrl = env.DATABASE_URL ?? (await postgres.createDatabase())
      const [listen, admin] = await Promise.all([freeAddress(), freeAddress()])
      const config = loadConfig({
        BERTH_CORE_LISTEN: listen,
        BERTH_CORE_ADMIN_LISTEN: admin,
        BERTH_SECRET_KEY: SECRET_KEY,
        BERTH_ADMIN_PASSWORD: ADMIN_PASSWORD,
        NATS_URL: nats.urlOf('core'),
        DATABASE_URL: databaseUrl,
        ...env,
      })
      const errors: RunningCore['errors'] = []
      const log: ServiceLogger = { ...silentLogger, error: (message, fields) => void errors.push({ message, fields }) }
      const life = createLifecycle(silentLogger, { graceMs: 5_000 })
      let assembled: Core | undefined
      const onAssembled = (core: Core) => {
        assembled = core
      }
      try {
        await wire(config, { log, life, metrics: createMetrics('core') }, { checkAnswers: true, onAssembled })
      } catch (err) {
        await life.stop()
        throw err
      }
      const url = `http://${listen}`
      const set = async (values: SettingValues) => {
        await storeSettings(databaseUrl, values)
        await assembled?.settings.refresh()
      }
      const stop = () => life.stop()
      return {
        ...createClient(url),
        errors,
        url,
        admin: `http://${admin}`,
        databaseUrl,
        assembled: partsOf(assembled),
        set,
        stop,
      }
    },
    async stop() {
      await stopPeers()
      await Promise.all([postgres.stop(), nats.stop()])
    },
  }
}

function partsOf(core: Core | undefined): Core {
  if (!core) throw new Error('core was not assembled')
  return core
}

async function startPeers(
  connect: (user: string) => Promise<Bus>,
): Promise<{ peers: Peers; stop: () => Promise<void> }> {
  const buses = new Map<ServiceName, Bus>()
  const wake = async (service: ServiceName) => {
    const bus = await connect(service)
    const verifier = { verify: async (token: string) => JSON.parse(Buffer.from(token, 'base64url').toString()) }
    await answerAsks(bus, {
      service,
      version: '0.1.0',
      answers: answersOf(service, peers),
      log: silentLogger,
      verifier,
    })
    buses.set(service, bus)
  }
  const silence = async (service: ServiceName) => {
    await buses.get(service)?.close()
    buses.delete(service)
  }
  const put: RegistryProject[] = []
  const peers: Peers = {
    put,
    content: createRegistryDouble(put),
    closed: [],
    modes: [],
    reconciled: 0,
    counts: 0,
    repositories: new Map(),
    searched: [],
    issued: [],
    silence,
    wake,
  }
  const services: ServiceName[] = ['gateway', 'log-collector', 'registry', 'token']
  for (const service of services) await wake(service)
  return {
    peers,
    stop: async () => {
      for (const service of services) await silence(service)
    },
  }
}

function answersOf(service: ServiceName, peers: Peers): Answer[] {
  const names = service === 'registry' ? (['registry', 'storage'] as const) : ([service] as const)
  const health = answer(healthCheck[service], async () => ({
    components: names.map((name) => ({ name, status: 'healthy' as const })),
  }))
  return [health, ...(SPECIAL[service]?.(peers) ?? [])]
}

const SPECIAL: Partial<Record<ServiceName, (peers: Peers) => Answer[]>> = {
  registry: (peers) => [
    ...peers.content.answers,
    answer(projectPut, async ({ project }) => {
      peers.put.push(project)
      return { revision: project.revision }
    }),
    answer(projectClose, async (request) => {
      peers.closed.push(request)
      if ((peers.repositories.get(request.id) ?? peers.content.countRepositories(request.id)) > 0)
        throw new PreconditionFailed('it holds repositories')
      return { closed: true as const }
    }),
    answer(modePut, async (mode) => {
      const newest = peers.modes.at(-1)?.revision ?? -1
      if (mode.revision > newest) peers.modes.push(mode)
      return { revision: Math.max(mode.revision, newest) }
    }),
    answer(storageUsage, async () => ({ volumes: [{ totalBytes: 1_000_000, freeBytes: 250_000 }] })),
    answer(usageReconcile, async () => {
      peers.reconciled++
      return { started: true as const }
    }),
    answer(projectCount, async ({ ids }) => {
      peers.counts++
      return {
        counts: ids.map((id) => {
          const repositories = peers.repositories.get(id) ?? peers.content.countRepositories(id)
          return { id, repositories, usedBytes: repositories * 1_000 }
        }),
      }
    }),
  ],
  token: (peers) => [
    answer(personIssue, async (person) => {
      peers.issued.push(person)
      const token = Buffer.from(JSON.stringify({ sub: person.name, admin: person.admin })).toString('base64url')
      return { token, expiresAt: new Date(Date.now() + 60_000).toISOString(), expiresInSeconds: 60 }
    }),
    answer(keyRotate, async (_request, caller) => ({ kid: `made for ${caller.sub}` })),
  ],
  'log-collector': (peers) => [
    answer(linesSearch, async (request, caller) => {
      peers.searched.push(request)
      const line = { timestamp: '2026-11-01T00:00:00.000Z', level: 'info' as const, service: 'core' }
      return { lines: [{ ...line, message: `for ${caller.sub}` }], dropped: { core: 2 } }
    }),
  ],
}

async function freeAddress(): Promise<string> {
  const { createServer } = await import('node:net')
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(`127.0.0.1:${port}`))
    })
  })
}
