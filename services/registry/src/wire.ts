import { createVerifier, REGISTRY_AUDIENCE } from '@berth/access'
import { type Database, migrate, openDatabase, startRelay } from '@berth/db'
import { answerAsks, connectBus, sayTo, tellEvent } from '@berth/messaging'
import { httpMetrics, type Logger, listen, observed, openAdmin, type Running } from '@berth/runtime'
import { accessGrant, keyList, projectResolve } from '@berth/types'
import { migrations } from '../migrations/index.ts'
import manifest from '../package.json' with { type: 'json' }
import { startFiller } from './artifact/index.ts'
import { tokenKeys } from './auth/index.ts'
import type { Config } from './config.ts'
import { every } from './every.ts'
import { closeInTime, createBlobServer, operationOf } from './http/index.ts'
import { followProjects, purgeProjects } from './project/index.ts'
import { recordPulls } from './pull/index.ts'
import { createRegistry } from './registry.ts'
import { measuredStorage, openStorageOf } from './storage/index.ts'
import { startUpkeep } from './upkeep.ts'

const SCHEMA = 'registry'
const SWEEP_MS = 60_000

/** Opens everything the registry needs and its doors last, each with its own stop. */
export async function wire(config: Config, { log, life, metrics }: Running): Promise<void> {
  const bus = await connectBus({ user: 'registry', nats: config.nats, log })
  life.onStop('nats', () => bus.close())
  log.addSink(sayTo(bus))

  const database = openDatabase({ url: config.databaseUrl, service: 'registry', schema: SCHEMA, log, metrics })
  life.onStop('database', () => database.close())
  await migrateRegistry(database, log)
  const storage = measuredStorage(await openStorageOf(config.storage), metrics)

  const relay = startRelay({ database, schema: SCHEMA, publish: (row) => tellEvent(bus, row), log, metrics })
  life.onStop('relay', () => relay.stop())
  const facts = startFiller({ database, storage, log })
  life.onStop('facts', () => facts.stop())
  facts.poke()
  const tokens = createVerifier({
    keys: tokenKeys(async () => (await bus.ask(keyList, {})).keys, log),
    audience: REGISTRY_AUDIENCE,
  })
  const pulls = recordPulls({ database, onChange: () => relay.poke(), log })
  life.onStop('pulls', () => pulls.stop())
  const registry = createRegistry({
    database,
    storage,
    tokens,
    askGrant: (request) => bus.ask(accessGrant, request),
    askProject: async (name) => (await bus.ask(projectResolve, { name })).project,
    relay,
    facts,
    pulls,
    log,
    externalUrl: config.externalUrl,
    gc: config.gc,
  })

  const sweep = every(SWEEP_MS, 'sweep', registry.sweep, log)
  life.onStop('sweep', () => sweep.stop())
  const purge = every(SWEEP_MS, 'purge', () => purgeProjects(database), log)
  life.onStop('purge', () => purge.stop())
  const following = followProjects(bus, { projects: registry.projects, onDeleted: purge.poke, log })
  life.onStop('projects', () => following.stop())
  const upkeep = startUpkeep({ database, storage, relay, config, log, metrics })
  life.onStop('upkeep', () => upkeep.stop())
  await answerAsks(bus, {
    service: 'registry',
    version: manifest.version,
    answers: [...registry.answers, ...upkeep.answers],
    log,
    verifier: tokens,
  })

  const door = observed(registry.listener, {
    log,
    metrics: httpMetrics(metrics, 'registry_http'),
    operation: operationOf,
  })
  const server = createBlobServer(door)
  const { close } = await listen(server, config.listen)
  const { graceMs } = config
  life.onStop('http', () => closeInTime(server, close, { graceMs, settled: registry.settled }))
  const checks = { database: () => database.check(), storage: () => storage.probe() }
  await openAdmin({ address: config.adminListen, life, metrics, checks })
}

export async function migrateRegistry(database: Database, log: Logger): Promise<void> {
  await migrate(database, { schema: SCHEMA, migrations, log })
}
