import { createServer } from 'node:http'
import { createVerifier, SUITE_AUDIENCE } from '@berth/access'
import { type Database, migrate, openDatabase } from '@berth/db'
import { Unavailable } from '@berth/errors'
import { answerAsks, type Bus, connectBus, sayTo } from '@berth/messaging'
import {
  Counter,
  httpMetrics,
  INNER_HEADER_BYTES,
  type Logger,
  listen,
  observed,
  openAdmin,
  type Running,
} from '@berth/runtime'
import { accessGrant } from '@berth/types'
import { migrations } from '../migrations/index.ts'
import manifest from '../package.json' with { type: 'json' }
import { canSign, tokenAnswers } from './answers.ts'
import type { Config } from './config.ts'
import { createIssuer, createSigner, createTokenDoor, operationOf } from './issue/index.ts'
import { type KeyRing, keySeal, keyStorePg, openKeyRing } from './key/index.ts'

const REFRESH_MS = 2_000

export async function wire(config: Config, { log, life, metrics }: Running): Promise<void> {
  const bus = await connectBus({ user: 'token', nats: config.nats, log })
  life.onStop('nats', () => bus.close())
  log.addSink(sayTo(bus))

  const database = openDatabase({
    url: config.databaseUrl,
    service: 'token',
    schema: 'token',
    log,
    metrics,
    maxConnections: 4,
  })
  life.onStop('database', () => database.close())
  await migrateToken(database, log)
  const seal = keySeal(config.secretKey, config.previousSecretKey)
  const keys = await openKeyRing({ store: keyStorePg(database), seal, alg: config.alg, log })
  life.onStop('key refresh', keepFresh(keys, log))

  const issued = new Counter({
    name: 'berth_token_issued_total',
    help: 'Tokens signed, by who they are for',
    labelNames: ['kind'],
    registers: [metrics],
  })
  const issuer = createIssuer({
    grant: (request) => bus.ask(accessGrant, request),
    sign: createSigner(keys),
    onIssued: (kind) => issued.inc({ kind }),
  })
  await answerAsks(bus, {
    service: 'token',
    version: manifest.version,
    answers: tokenAnswers({ keys, issuer }),
    log,
    verifier: createVerifier({ keys: async () => keys.publicKeys(), audience: SUITE_AUDIENCE }),
  })

  const door = observed(createTokenDoor({ issuer, keys, log }), {
    log,
    metrics: httpMetrics(metrics, 'berth_token_http'),
    operation: operationOf,
  })
  life.onStop('http', (await listen(createServer({ maxHeaderSize: INNER_HEADER_BYTES }, door), config.listen)).close)
  const checks = { keys: () => canSign(keys), nats: () => mustBeConnected(bus) }
  await openAdmin({ address: config.adminListen, life, metrics, checks })
}

export async function migrateToken(database: Database, log: Logger): Promise<void> {
  await migrate(database, { schema: 'token', migrations, log })
}

/** Another replica may have made a key; every replica must list it before one of them signs with it. */
function keepFresh(keys: KeyRing, log: Logger): () => void {
  const timer = setInterval(() => {
    keys.refresh().catch((err) => log.warn('cannot read the signing keys, going on with those known', { err }))
  }, REFRESH_MS)
  return () => clearInterval(timer)
}

function mustBeConnected(bus: Bus): void {
  if (!bus.connected) throw new Unavailable('NATS cannot be reached')
}
