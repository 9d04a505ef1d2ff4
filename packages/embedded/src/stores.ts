import { connectBus, provision, sayTo } from '@berth/messaging'
import { type Logger, natsSettings } from '@berth/runtime'
import type { ServiceName } from '@berth/types'
import type { DataDir } from './data-dir.ts'
import { changePassword, DATABASE, provisionDatabase, SCHEMA_OWNERS } from './database-roles.ts'
import { checkExternalDatabase, checkExternalNats, userOf } from './external.ts'
import { natsLines, postgresLines } from './foreign-lines.ts'
import { natsFiles, natsPort, type RunningNats, startNats } from './nats-server.ts'
import { allUsers, credentialsPath, prepareNatsUsers } from './nats-users.ts'
import { type RunningPostgres, startPostgres } from './postgres.ts'
import { SUPERUSER } from './postgres-cluster.ts'
import type { Say, Voices } from './say.ts'
import { derivedPassword } from './secrets.ts'
import { EXIT, StartRefused } from './start-refused.ts'
import { type Supervised, supervise } from './supervise.ts'

export interface StoreInput {
  data: DataDir
  secretKey: string
  /** The one before it: our own Postgres may still have passwords made from that. */
  previousSecretKey?: string
  voices: Voices
  signal: AbortSignal
  /** A port nobody has; `wanted` if that is one. */
  port: (wanted?: number) => Promise<number>
  onRestart: () => void
  env: NodeJS.ProcessEnv
}

/** The Postgres of the suite, ours or somebody else's. */
export interface DatabaseStore {
  /** Ours; undefined when it is somebody else's. */
  own?: Supervised<RunningPostgres>
  /** For people and scripts. */
  url: string
  user: string
  urlOf(service: ServiceName): string
}

/** Starts our own Postgres with its roles and schemas, or checks the one `external` names. */
export async function openDatabaseStore(input: StoreInput, external: string | undefined): Promise<DatabaseStore> {
  const { env } = input
  const ownUrl = (service: ServiceName) => env[`BERTH_${service.replaceAll('-', '_').toUpperCase()}_DATABASE_URL`]
  if (external) {
    await checkExternalDatabase(external)
    return { url: external, user: userOf(external), urlOf: (service) => ownUrl(service) || external }
  }
  const { secretKey, previousSecretKey, voices, data } = input
  const passwordOf = (role: string) => derivedPassword(secretKey, `postgres:${role}`)
  await data.makePostgresHome()
  const port = await input.port()
  const own = await supervise<RunningPostgres>({
    name: 'Postgres',
    say: voices.of('supervisor'),
    onRestart: input.onRestart,
    start: (signal) =>
      startPostgres({
        home: data.postgresHome,
        superuserPassword: passwordOf(SUPERUSER),
        port,
        onLine: postgresLines(voices.of('postgres')),
        signal: AbortSignal.any([signal, input.signal]),
      }),
  })
  const urlAs = (role: string, database: string = DATABASE) =>
    `postgres://${role}:${passwordOf(role)}@127.0.0.1:${port}/${database}`
  const previousUrl =
    previousSecretKey === undefined
      ? undefined
      : `postgres://${SUPERUSER}:${derivedPassword(previousSecretKey, `postgres:${SUPERUSER}`)}@127.0.0.1:${port}/postgres`
  try {
    if (previousUrl) await changePassword(previousUrl, SUPERUSER, passwordOf(SUPERUSER))
    await provisionDatabase((database) => urlAs(SUPERUSER, database), passwordOf)
  } catch (err) {
    await own.stop(2_000)
    throw err
  }
  return {
    own,
    url: urlAs(SUPERUSER),
    user: SUPERUSER,
    urlOf: (service) => {
      const owner = SCHEMA_OWNERS.find((one) => one.service === service)
      if (!owner) throw new Error(`${service} owns no schema`)
      return urlAs(owner.role)
    },
  }
}

/** The NATS of the suite, ours or somebody else's. */
export interface NatsStore {
  own?: Supervised<RunningNats>
  url: string
  /** File of the user `operator`; null with somebody else's. */
  operator: string | null
  credentialsOf(user: ServiceName | 'provision' | 'supervisor'): string | undefined
}

/** Starts our own nats-server with its users, or checks the one `external` names. */
export async function openNatsStore(input: StoreInput, external: string | undefined): Promise<NatsStore> {
  const { env, voices, secretKey } = input
  if (external) {
    await checkExternalNats(external)
    const named = (user: string) => env[`BERTH_${user.replaceAll('-', '_').toUpperCase()}_NATS_CREDS`]
    return { url: external, operator: null, credentialsOf: (user) => named(user) || undefined }
  }
  const home = await input.data.make('nats')
  await prepareNatsUsers(home, secretKey)
  // Credentials of programs outside name the port, and hold across our restarts.
  const port = await input.port(await natsPort(natsFiles(home)))
  const own = await supervise<RunningNats>({
    name: 'nats-server',
    say: voices.of('supervisor'),
    onRestart: input.onRestart,
    start: async (signal) =>
      startNats({
        home,
        users: await allUsers(home),
        port,
        onLine: natsLines(voices.of('nats')),
        signal: AbortSignal.any([signal, input.signal]),
      }),
  })
  return {
    own,
    url: `nats://127.0.0.1:${port}`,
    operator: credentialsPath(home, 'operator'),
    credentialsOf: (user) => credentialsPath(home, user),
  }
}

/** Creates streams, consumers and buckets, with the one user who may. */
export async function provisionNats(store: NatsStore, replicas: number, say: Say): Promise<void> {
  const bus = await connected('provision', store, store.credentialsOf('provision'), say)
  try {
    await provision(bus, { replicas })
  } finally {
    await bus.close()
  }
}

/** Lets the voices speak over NATS from now on; resolves to how to end that. */
export async function attachVoices(voices: Voices, store: NatsStore): Promise<() => Promise<void>> {
  const bus = await connected('supervisor', store, store.credentialsOf('supervisor'), voices.of('supervisor'))
  voices.attach(sayTo(bus))
  return () => bus.close()
}

const CONNECT_MS = 15_000

async function connected(user: string, store: NatsStore, credentials: string | undefined, say: Say) {
  let timer: NodeJS.Timeout | undefined
  const refusal = (cause?: unknown) =>
    new StartRefused(EXIT.missingPart, `the NATS server does not let ${user} in`, 'NATS_URL', { cause })
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(refusal()), CONNECT_MS)
  })
  try {
    return await Promise.race([
      connectBus({ user, nats: natsSettings(store.url, credentials), log: loggerOf(say) }),
      late,
    ])
  } catch (err) {
    throw err instanceof StartRefused ? err : refusal(err)
  } finally {
    clearTimeout(timer)
  }
}

function loggerOf(say: Say): Logger {
  const at = (level: 'error' | 'warn' | 'info' | 'debug') => (message: string, fields?: Record<string, unknown>) =>
    say(level, message, fields)
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
}
