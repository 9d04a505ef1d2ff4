import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { answer, answerAsks, type Bus, connectBus, provision } from '@berth/messaging'
import { createLifecycle, createMetrics, natsSettings, silentLogger } from '@berth/runtime'
import { createTokenMint, suiteAccounts, type ThrowAwayNats, tempDir, throwAwayNats } from '@berth/testkit'
import { keyList, type LogLevel, linesSearch, logSubject, type RequestOf, type ResponseOf } from '@berth/types'
import { loadConfig } from '../config.ts'
import { wire } from '../wire.ts'

/** For tests: a NATS with the users and streams of a suite, and somebody who signs tokens. */
export interface Surroundings {
  nats: ThrowAwayNats
  dir: string
  /** Connects as core, which may search. */
  core: Bus
  /** What core sends along for an administrator. */
  adminToken: string
  strangerToken: string
  search(request?: Partial<RequestOf<typeof linesSearch>>): Promise<ResponseOf<typeof linesSearch>>
  /** A process of that service, which numbers its lines. */
  voice(service: string, instance?: string): Voice
  startCollector(env?: NodeJS.ProcessEnv): Promise<{ admin: string; stop(): Promise<void> }>
  settings(): Promise<NodeJS.ProcessEnv>
  stop(): Promise<void>
}

interface Voice {
  instance: string
  say(message: string, fields?: Record<string, unknown>, level?: LogLevel): void
  /** Counts a line that never leaves. */
  lose(lines?: number): void
}

export async function openSurroundings(): Promise<Surroundings> {
  const [nats, dir] = await Promise.all([throwAwayNats({ users: suiteAccounts() }), tempDir('logs')])
  const connect = (user: string) => connectBus({ user, nats: natsSettings(nats.urlOf(user)), log: silentLogger })
  const provisioner = await connect('provision')
  await provision(provisioner)
  await provisioner.close()
  const { keys, mint } = createTokenMint()
  const [token, core, everything] = await Promise.all([connect('token'), connect('core'), connect('everything')])
  const answers = [answer(keyList, async () => ({ keys }))]
  await answerAsks(token, { service: 'token', version: '0.1.0', answers, log: silentLogger })
  const adminToken = mint({ sub: 'admin', who: { kind: 'user', id: 1 }, admin: true })

  const settings = async (): Promise<NodeJS.ProcessEnv> => ({
    BERTH_LOG_COLLECTOR_LISTEN: await freeAddress(),
    BERTH_LOG_COLLECTOR_ADMIN_LISTEN: await freeAddress(),
    BERTH_LOG_COLLECTOR_DIR: join(dir.path, 'logs'),
    NATS_URL: nats.urlOf('log-collector'),
  })
  return {
    nats,
    dir: join(dir.path, 'logs'),
    core,
    adminToken,
    strangerToken: mint({ who: { kind: 'user', id: 3 } }),
    search: (request = {}) => core.ask(linesSearch, { limit: 100, ...request }, { token: adminToken }),
    voice: (service, instance = randomBytes(6).toString('hex')) => createVoice(everything, service, instance),
    settings,
    async startCollector(env = {}) {
      const config = loadConfig({ ...(await settings()), ...env })
      const life = createLifecycle(silentLogger, { graceMs: 10_000 })
      await wire(config, { log: silentLogger, life, metrics: createMetrics('log-collector') })
      return { admin: `http://127.0.0.1:${config.adminListen.port}`, stop: () => life.stop() }
    },
    async stop() {
      await Promise.all([token.close(), core.close(), everything.close()])
      await nats.stop()
      await dir.remove()
    },
  }
}

function createVoice(bus: Bus, service: string, instance: string): Voice {
  let seq = 0
  return {
    instance,
    say(message, fields = {}, level = 'info') {
      const line = { timestamp: new Date().toISOString(), level, service, instance, seq: ++seq, message, ...fields }
      bus.connection.publish(logSubject(service, level), JSON.stringify(line))
    },
    lose(lines = 1) {
      seq += lines
    },
  }
}

function freeAddress(): Promise<string> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(`127.0.0.1:${port}`))
    })
  })
}
