import { Unauthorized } from '@berth/errors'
import { answer, answerAsks, type Bus, connectBus, provision } from '@berth/messaging'
import { createLifecycle, createMetrics, natsSettings, silentLogger } from '@berth/runtime'
import {
  suiteAccounts,
  type ThrowAwayNats,
  type ThrowAwayPostgres,
  throwAwayNats,
  throwAwayPostgres,
} from '@berth/testkit'
import { accessGrant, type Identity, type RequestOf } from '@berth/types'
import { loadConfig } from '../config.ts'
import { wire } from '../wire.ts'

/** For tests: a Postgres, a NATS with the users of a suite, and a core that knows three people. */
export interface Surroundings {
  postgres: ThrowAwayPostgres
  nats: ThrowAwayNats
  /** What core was asked, the newest last. */
  asked: RequestOf<typeof accessGrant>[]
  /** Connects as one of the users of a suite. */
  connect(user: string): Promise<Bus>
  /** Starts answering as core does; the function it returns makes core go away. */
  startCore(): Promise<() => Promise<void>>
  /** Starts the service on random ports. */
  startToken(env?: NodeJS.ProcessEnv): Promise<RunningToken>
  stop(): Promise<void>
}

export interface RunningToken {
  url: string
  admin: string
  stop(): Promise<void>
}

const PEOPLE: Record<string, Identity> = {
  admin: { kind: 'user', name: 'admin', id: 1, admin: true },
  dev: { kind: 'user', name: 'dev', id: 3, admin: false },
  robot$ci: { kind: 'robot', name: 'robot$ci', id: 7, admin: false },
}
const NOBODY: Identity = { kind: 'anonymous', name: '', id: 0, admin: false }

const SECRET_KEY = 'Jr9kZ1xYv0mQ3sT6uW8yB+C/eH4kM7pRtUwXzA2D5f0='

export async function openSurroundings(): Promise<Surroundings> {
  const [postgres, nats] = await Promise.all([throwAwayPostgres(), throwAwayNats({ users: suiteAccounts() })])
  const asked: RequestOf<typeof accessGrant>[] = []
  const connect = (user: string) => connectBus({ user, nats: natsSettings(nats.urlOf(user)), log: silentLogger })
  const provisioner = await connect('provision')
  await provision(provisioner)
  await provisioner.close()
  return {
    postgres,
    nats,
    asked,
    connect,
    async startCore() {
      const bus = await connect('core')
      const grant = answer(accessGrant, async (request) => {
        asked.push(request)
        return grantAsCoreDoes(request)
      })
      await answerAsks(bus, { service: 'core', version: '0.1.0', answers: [grant], log: silentLogger })
      return () => bus.close()
    },
    async startToken(env = {}) {
      const [listen, admin] = await Promise.all([freeAddress(), freeAddress()])
      const config = loadConfig({
        BERTH_TOKEN_LISTEN: listen,
        BERTH_TOKEN_ADMIN_LISTEN: admin,
        BERTH_SECRET_KEY: SECRET_KEY,
        NATS_URL: nats.urlOf('token'),
        DATABASE_URL: postgres.url,
        ...env,
      })
      const life = createLifecycle(silentLogger, { graceMs: 5_000 })
      try {
        await wire(config, { log: silentLogger, life, metrics: createMetrics('token') })
      } catch (err) {
        await life.stop()
        throw err
      }
      return { url: `http://${listen}`, admin: `http://${admin}`, stop: () => life.stop() }
    },
    async stop() {
      await Promise.all([postgres.stop(), nats.stop()])
    },
  }
}

/** dev may push to `library`, the robot may pull there; everybody may pull from `open`, which is public. */
function grantAsCoreDoes({ credentials, scopes }: RequestOf<typeof accessGrant>) {
  const identity = identityOf(credentials)
  const access = scopes.map((scope) => {
    const isLibrary = scope.name.startsWith('library/')
    const isOpen = scope.name.startsWith('open/')
    const actions = new Set<string>()
    if (isOpen || (isLibrary && identity.kind !== 'anonymous')) actions.add('pull')
    if (isLibrary && identity.kind === 'user') actions.add('push').add('delete')
    if (scope.type === 'registry' && identity.admin) actions.add('*')
    return { type: scope.type, name: scope.name, actions: [...actions], ...(isLibrary && { project: 1, rev: 4 }) }
  })
  return { identity, access, tokenSeconds: 1_800 }
}

function identityOf(credentials: RequestOf<typeof accessGrant>['credentials']): Identity {
  if (credentials.kind === 'anonymous') return NOBODY
  if (credentials.kind === 'session' && credentials.sid === 's:known.signature') return PEOPLE.dev!
  if (credentials.kind === 'basic' && credentials.password === 'Right-1') {
    const person = PEOPLE[credentials.username]
    if (person) return person
  }
  throw new Unauthorized('no such account, or its password is another')
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
