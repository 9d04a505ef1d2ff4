import { createServer } from 'node:http'
import { type Database, migrate, openDatabase, startRelay } from '@berth/db'
import { Unavailable } from '@berth/errors'
import { answerAsks, type Bus, connectBus, sayTo, tellEvent } from '@berth/messaging'
import { httpMetrics, INNER_HEADER_BYTES, type Logger, listen, observed, openAdmin, type Running } from '@berth/runtime'
import { migrations } from '../migrations/index.ts'
import { assemble, type Core } from './assemble.ts'
import { followRegistry, keepPartitions, preparePartitions } from './audit/index.ts'
import type { Config } from './config.ts'
import { startExporter } from './exporter/index.ts'
import { operationOf } from './http/index.ts'
import { startLabelSweep } from './label/index.ts'
import { startDeletionSweep } from './project/index.ts'
import { startRobotExpiry } from './robot/index.ts'
import { startSessionSweep } from './session/index.ts'
import { startForgettingNames } from './user/forget-names.ts'
import { BERTH_VERSION } from './version.ts'

export const SCHEMA = 'core'

export async function wire(
  config: Config,
  { log, life, metrics }: Running,
  options: { checkAnswers?: boolean; onAssembled?: (core: Core) => void } = {},
): Promise<void> {
  const bus = await connectBus({ user: 'core', nats: config.nats, log })
  life.onStop('nats', () => bus.close())
  log.addSink(sayTo(bus))

  const database = openDatabase({ url: config.databaseUrl, service: 'core', schema: SCHEMA, log, metrics })
  life.onStop('database', () => database.close())
  await migrateCore(database, log)
  await preparePartitions(database)
  const relay = startRelay({
    database,
    schema: SCHEMA,
    publish: (row) => tellEvent(bus, row),
    log,
    metrics,
  })
  life.onStop('relay', () => relay.stop())

  const core = await assemble({ config, database, bus, log, poke: relay.poke, ...options })
  options.onAssembled?.(core)
  await answerAsks(bus, { service: 'core', version: BERTH_VERSION, answers: core.answers, log })
  const background = [
    core.teller.start(),
    startDeletionSweep(core.deletion, log),
    startLabelSweep(core.labels, log),
    startSessionSweep(database, log),
    startForgettingNames(database, log),
    keepPartitions(database, log),
    startExporter({ db: database, bus, health: core.health, settings: core.settings, metrics, log }),
    startRobotExpiry(database, core.settings, relay.poke, log),
  ]
  life.onStop('background', () => {
    for (const task of background) task.stop()
  })

  const registryEvents = followRegistry({ bus, database, audit: core.audit, log })
  life.onStop('events of the registry', () => registryEvents.stop())

  const door = observed(core.app, { log, metrics: httpMetrics(metrics, 'berth_core_http'), operation: operationOf })
  life.onStop('http', (await listen(createServer({ maxHeaderSize: INNER_HEADER_BYTES }, door), config.listen)).close)
  const checks = { database: () => database.check(), nats: () => mustBeConnected(bus) }
  await openAdmin({ address: config.adminListen, life, metrics, checks })
}

export async function migrateCore(database: Database, log: Logger): Promise<void> {
  await migrate(database, { schema: SCHEMA, migrations, log })
}

function mustBeConnected(bus: Bus): void {
  if (!bus.connected) throw new Unavailable('NATS cannot be reached')
}
