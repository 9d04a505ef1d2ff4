import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { descendants, isAlive, type ProcessFacts, type Watched } from './proc.ts'
import { type Daemon, startDaemon, until } from './process.ts'
import { freePort, openScratch, removeScratch } from './scratch.ts'

/** Top of the clone. */
export const CLONE = fileURLToPath(new URL('../..', import.meta.url))

/** `$BERTH_DATA/suite.json`, as docs/contract.md has it. */
interface SuiteFile {
  version: string
  url: string
  pid: number
  processes: { service: string; replica: number; pid: number; http: string; admin: string }[]
  nats: { url: string; credentials: string | null }
  database: { url: string; user: string }
  /** Postgres and nats-server. */
  parts: { name: string; pid: number; port: number }[]
}

export interface SuiteWish {
  /** Replicas by service; BERTH_SCALE. */
  scale?: Record<string, number>
  /** Further settings of the suite. */
  env?: Record<string, string>
}

export interface Suite {
  url: string
  /** `127.0.0.1:port`, as docker clients name a registry. */
  host: string
  data: string
  adminPassword: string
  /** Pid of `npm start`. */
  pid: number
  /** From the start of npm to the line `Berth is ready at …`. */
  readyMs: number
  daemon: Daemon
  /** suite.json as it is now: it is rewritten whenever a part is started again. */
  file(): Promise<SuiteFile>
  /** Pids of one service now, by replica. */
  pidsOf(service: string): Promise<number[]>
  /** Every process of the suite now, npm itself too, with its program's name. */
  processes(): Promise<ProcessFacts[]>
  /** The services' own processes, named as in suite.json (`registry`, `registry-1`). */
  services(): Promise<Watched[]>
  log(): Promise<string>
  /** SIGTERM to npm; fails when it does not end with 0 within 30 s, or leaves a process behind. */
  stop(): Promise<void>
}

/** What a shell has, and no setting of ours or of the test runner's. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const kept = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_.*|TMPDIR|TERM|https?_proxy|no_proxy)$/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => kept.test(name)))
}

/** Runs `npm start` on a fresh data directory and a free port, and returns when it says that it is ready. */
export async function startSuite(wish: SuiteWish = {}): Promise<Suite> {
  const home = await openScratch()
  const data = join(home, 'data')
  const env: NodeJS.ProcessEnv = {
    ...plainEnvironment(),
    BERTH_DATA: data,
    BERTH_HTTP_PORT: String(await freePort()),
    ...wish.env,
  }
  if (wish.scale)
    env.BERTH_SCALE = Object.entries(wish.scale)
      .map(([name, count]) => `${name}=${count}`)
      .join(',')
  const began = performance.now()
  let url = ''
  let readyMs = 0
  const daemon = startDaemon('npm', ['start'], {
    cwd: CLONE,
    env,
    logFile: join(home, 'suite.log'),
  })
  try {
    await until('the line "Berth is ready at"', 300_000, async () => {
      const isRunning = daemon.running()
      const said = await daemon.log()
      url = /^Berth is ready at (\S+)$/m.exec(said)?.[1] ?? ''
      if (url === '' && !isRunning) throw new Error(`the suite left:\n${said.slice(-8000)}`)
      return url !== ''
    })
    readyMs = performance.now() - began
  } catch (err) {
    await daemon.stop(30_000)
    await keepLog(daemon.logFile, daemon.pid)
    await removeScratch(home)
    throw err
  }
  const file = async (): Promise<SuiteFile> => JSON.parse(await readFile(join(data, 'suite.json'), 'utf8')) as SuiteFile
  return {
    url: url.replace(/\/$/, ''),
    host: new URL(url).host,
    data,
    adminPassword: (await readFile(join(data, 'admin-password'), 'utf8')).trim(),
    pid: daemon.pid,
    readyMs,
    daemon,
    file,
    pidsOf: async (service) => {
      const { processes } = await file()
      const own = processes.filter((one) => one.service === service).toSorted((a, b) => a.replica - b.replica)
      return own.map((one) => one.pid)
    },
    processes: () => descendants(process.pid).then((all) => below(all, daemon.pid)),
    services: async () => {
      const { processes } = await file()
      return processes.map(({ service, replica, pid }) => ({ name: replica ? `${service}-${replica}` : service, pid }))
    },
    log: () => daemon.log(),
    stop: async () => {
      const known = (await descendants(daemon.pid)).map((one) => one.pid)
      await daemon.stop(30_000)
      const left: number[] = []
      for (const pid of known) if (await isAlive(pid)) left.push(pid)
      const code = await daemon.exited
      if (code !== 0) throw new Error(`the suite ended with ${code}:\n${(await daemon.log()).slice(-4000)}`)
      if (left.length > 0) throw new Error(`left behind by the suite: ${left.join(', ')}; its files are in ${home}`)
      await keepLog(daemon.logFile, daemon.pid)
      await removeScratch(home)
    },
  }
}

/** What a suite printed, for whoever looks for a reason afterwards: kept when `BERTH_E2E_LOGS` names a directory. */
async function keepLog(file: string, pid: number): Promise<void> {
  const directory = process.env.BERTH_E2E_LOGS
  if (!directory) return
  await mkdir(directory, { recursive: true })
  await copyFile(file, join(directory, `suite-${pid}.log`))
}

function below(all: ProcessFacts[], pid: number): ProcessFacts[] {
  const inside = new Set([pid])
  const found: ProcessFacts[] = []
  for (let grown = true; grown; ) {
    grown = false
    for (const one of all) {
      if (found.includes(one) || !(inside.has(one.parent) || one.pid === pid)) continue
      inside.add(one.pid)
      found.push(one)
      grown = true
    }
  }
  return found
}
