import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { announcement } from './announcement.ts'
import { askHttp } from './ask-http.ts'
import { claimDataDir, type DataDir } from './data-dir.ts'
import { checkPublicDoors } from './doors.ts'
import { createLastWords } from './last-words.ts'
import { endLeftoverServices } from './leftovers.ts'
import { orphanedHomes } from './orphans.ts'
import type { Output } from './output.ts'
import { address, type PlannedService, planServices, publicUrl, STOP_ORDER } from './plan.ts'
import { freePort, isPortFree } from './ports.ts'
import { untilHealthy, untilReady } from './ready.ts'
import type { Voices } from './say.ts'
import { adminPasswordOf, secretKeyOf } from './secrets.ts'
import { startService } from './service-process.ts'
import type { SuiteSettings } from './settings.ts'
import {
  attachVoices,
  type DatabaseStore,
  type NatsStore,
  openDatabaseStore,
  openNatsStore,
  provisionNats,
} from './stores.ts'
import { type Suite, writeSuite } from './suite-file.ts'
import { type Supervised, supervise } from './supervise.ts'

const LINES_MS = 50

/** How long each stage of stopping may take, in milliseconds. Calm: 30 s in all; hurried: 9 s, when nobody waits. */
const PACES = {
  calm: { gateway: 9_000, services: 8_000, collector: 4_000, voices: 500, nats: 2_000, postgres: 3_500 },
  hurried: { gateway: 2_000, services: 2_000, collector: 1_500, voices: 300, nats: 700, postgres: 1_200 },
} as const
export type Pace = keyof typeof PACES

export interface SuiteOptions {
  settings: SuiteSettings
  env: NodeJS.ProcessEnv
  /** The clone. */
  root: string
  output: Output
  voices: Voices
}

export interface SuiteRun {
  /** Resolves to the URL once everything is ready and said to be. @throws {StartRefused} */
  start(signal: AbortSignal): Promise<string>
  /** Stops what runs, doors first, stores last. */
  stop(pace: Pace): Promise<void>
  /** Ends everything at once. */
  kill(): Promise<void>
}

interface Member {
  planned: PlannedService
  supervised: Supervised
}

/** One life of the suite: Postgres, nats-server and the services, from claiming the data to letting go of it. */
export function createSuite(options: SuiteOptions): SuiteRun {
  const { settings, env, root, output, voices } = options
  const say = voices.of('supervisor')
  const members: Member[] = []
  let data: DataDir | undefined
  let database: DatabaseStore | undefined
  let nats: NatsStore | undefined
  let closeVoices: (() => Promise<void>) | undefined
  let isReady = false

  async function start(signal: AbortSignal): Promise<string> {
    const claimed = await claimDataDir(settings.dataPath)
    data = claimed
    const leftovers = await endLeftoverServices(claimed.path, root)
    if (leftovers.length > 0) say('warn', 'ended services an earlier supervisor left behind', { pids: leftovers })
    await checkPublicDoors(settings)
    const orphans = await orphanedHomes()
    if (orphans.length > 0)
      say('info', 'files of Postgres whose data directory is gone are still there', {
        count: orphans.length,
        some: orphans.slice(0, 10),
      })
    const secretKey = await secretKeyOf(claimed, settings.secretKey, settings.previousSecretKey)
    const admin = await adminPasswordOf(claimed, settings.adminPassword)
    await openStores(claimed, secretKey, signal)
    signal.throwIfAborted()
    await startServices(claimed, secretKey, admin, signal)
    const url = publicUrl(settings)
    await untilHealthy(url, signal)
    const password = admin?.show ? await shownPassword(url, admin) : undefined
    await claimed.settle()
    await saveSuite()
    isReady = true
    // Services gather what they print for a moment; the line that they are ready is the last of the start.
    await pause(LINES_MS)
    const shown = password !== undefined && admin?.path ? { password, path: admin.path } : undefined
    for (const line of announcement(describe(), claimed, shown)) output.say(line)
    return url
  }

  const pickPort = portPicker()

  async function openStores(claimed: DataDir, secretKey: string, signal: AbortSignal): Promise<void> {
    const { previousSecretKey } = settings
    const input = {
      data: claimed,
      secretKey,
      previousSecretKey,
      voices,
      signal,
      port: pickPort,
      onRestart: saveLater,
      env,
    }
    const opened = await Promise.allSettled([
      openDatabaseStore(input, settings.databaseUrl).then((store) => {
        database = store
      }),
      openNatsStore(input, settings.natsUrl).then(async (store) => {
        nats = store
        await provisionNats(store, settings.natsReplicas, say)
        closeVoices = await attachVoices(voices, store)
      }),
    ])
    for (const result of opened) if (result.status === 'rejected') throw result.reason
  }

  async function startServices(
    claimed: DataDir,
    secretKey: string,
    admin: { password: string; path?: string } | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const stores = { database: database as DatabaseStore, nats: nats as NatsStore }
    for (const name of ['registry', 'logs', 'tls']) await claimed.make(name)
    const plan = await planServices({
      settings,
      dataPath: claimed.path,
      secretKey,
      admin,
      natsUrl: stores.nats.url,
      natsCredentialsOf: stores.nats.credentialsOf,
      databaseUrlOf: stores.database.urlOf,
      inherited: env,
      port: pickPort,
    })
    // When one cannot start the others are told, and none is left behind half started.
    const one = new AbortController()
    const both = AbortSignal.any([signal, one.signal])
    const starting: Promise<void>[] = []
    const startAll = (members: PlannedService[]) => {
      const these = members.map((planned) => startMember(planned, both))
      starting.push(...these)
      return Promise.all(these)
    }
    try {
      await startAll(plan.filter((planned) => planned.service !== 'gateway'))
      await startAll(plan.filter((planned) => planned.service === 'gateway'))
    } catch (err) {
      one.abort()
      await Promise.allSettled(starting)
      throw err
    }
  }

  async function startMember(planned: PlannedService, signal: AbortSignal): Promise<void> {
    const { service, replica } = planned
    const name = settings.scale[service] > 1 ? `${service}-${replica}` : service
    const voice = voices.of(service)
    const lastWords = createLastWords()
    const supervised = await supervise({
      name,
      say,
      onRestart: saveLater,
      start: () =>
        startService(planned, {
          root,
          onLine: (line, stream) => {
            lastWords.hear(line)
            if (stream === 'stdout') output.part(name, line)
            else if (line.trim() !== '') voice('warn', line)
          },
        }),
    })
    members.push({ planned, supervised })
    await untilReady(name, `http://${address(planned.admin)}`, supervised, {
      signal,
      lastWords: () => lastWords.text,
      say: voice,
    })
  }

  /** A database that was somebody's before has its admin already; the password made here would open nothing. */
  async function shownPassword(url: string, admin: { password: string; path?: string }): Promise<string | undefined> {
    if (!settings.databaseUrl) return admin.password
    const authorization = `Basic ${Buffer.from(`admin:${admin.password}`).toString('base64')}`
    const answer = await askHttp(`${url}/api/v2.0/users/current`, { headers: { authorization } })
    if (answer?.status !== 401) return admin.password
    if (admin.path) await rm(admin.path, { force: true })
    output.say('The database has an admin already; its password is unchanged')
    return undefined
  }

  function describe(): Suite {
    const ports = { postgres: database?.own, nats: nats?.own }
    return {
      version: versionOf(root),
      url: publicUrl(settings),
      pid: process.pid,
      processes: members
        .toSorted((a, b) => a.planned.service.localeCompare(b.planned.service) || a.planned.replica - b.planned.replica)
        .flatMap(({ planned, supervised }) => {
          if (!supervised.part) return []
          const { service, replica, url: http, admin } = planned
          return [{ service, replica, pid: supervised.part.pid, http, admin: `http://${address(admin)}` }]
        }),
      nats: { url: nats?.url ?? '', credentials: nats?.operator ?? null },
      database: { url: database?.url ?? '', user: database?.user ?? '' },
      parts: Object.entries(ports).flatMap(([name, own]) =>
        own?.part ? [{ name, pid: own.part.pid, port: own.part.port }] : [],
      ),
    }
  }

  let saving: Promise<void> = Promise.resolve()
  function saveSuite(): Promise<void> {
    saving = saving.then(async () => {
      if (data) await writeSuite(data.path, describe())
    })
    return saving
  }
  function saveLater(): void {
    if (!isReady) return
    saveSuite().catch((err: Error) => say('error', 'could not write suite.json', { reason: err.message }))
  }

  async function stop(pace: Pace): Promise<void> {
    const ms = PACES[pace]
    for (const [at, stage] of STOP_ORDER.entries()) {
      const limit = [ms.gateway, ms.services, ms.collector][at] ?? ms.services
      const leaving = members.filter(({ planned }) => stage.includes(planned.service))
      await Promise.all(leaving.map(({ supervised }) => supervised.stop(limit)))
    }
    await within(ms.voices, closeVoices?.())
    await nats?.own?.stop(ms.nats)
    await database?.own?.stop(ms.postgres)
    await letGo()
  }

  async function kill(): Promise<void> {
    for (const { supervised } of members) supervised.kill()
    nats?.own?.kill()
    await database?.own?.stop(300)
    await letGo()
  }

  async function letGo(): Promise<void> {
    isReady = false
    await saving.catch(() => undefined)
    if (!data) return
    await rm(join(data.path, 'suite.json'), { force: true })
    await data.release()
  }

  return { start, stop, kill }
}

function portPicker(): (wanted?: number) => Promise<number> {
  const taken = new Set<number>()
  return async (wanted) => {
    const isOurs = wanted !== undefined && !taken.has(wanted) && (await isPortFree(wanted))
    const port = isOurs ? wanted : await freePort(taken)
    taken.add(port)
    return port
  }
}

async function within(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work?.catch(() => undefined), late])
  clearTimeout(timer)
}

function versionOf(root: string): string {
  const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return version
}
