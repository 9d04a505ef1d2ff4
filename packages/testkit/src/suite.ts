import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { freePort, readSuite, type Suite } from '@berth/embedded'
import { tempDir } from './temp-dir.ts'

const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))
const SUPERVISOR = join(ROOT, 'packages', 'embedded', 'src', 'main.ts')
const READY_WITHIN_MS = 90_000

export interface RunningSuite {
  /** As its ready line says. */
  url: string
  /** Its data directory. */
  data: string
  adminPassword: string
  /** Of the supervisor. */
  pid: number
  /** What it printed so far on stdout and stderr. */
  stdout: readonly string[]
  stderr: readonly string[]
  /** suite.json as it is now. */
  file(): Promise<Suite>
  /** Calls the API, as the administrator unless told otherwise. */
  api(path: string, init?: RequestInit & { as?: string | null }): Promise<Response>
  /** Stops it with a signal and answers its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

export interface SuiteWish {
  env?: Record<string, string>
  /** An existing data directory; else a fresh one that goes away with the suite. */
  data?: string
}

/** A whole suite on random ports, as `npm start` runs it; ended with `stop()` or with the test process. */
export async function startSuite(wish: SuiteWish = {}): Promise<RunningSuite> {
  const attempt = await launch(wish)
  const url = await attempt.ready
  if (url === undefined) {
    throw new Error(`the suite ended with ${await attempt.ended}:\n${attempt.stderr.join('\n')}`)
  }
  const { child, data, stdout, stderr } = attempt
  const adminPassword = wish.env?.BERTH_ADMIN_PASSWORD ?? (await readFile(join(data, 'admin-password'), 'utf8')).trim()
  return {
    url,
    data,
    adminPassword,
    pid: child.pid as number,
    stdout,
    stderr,
    async file() {
      const suite = await readSuite(data)
      if (!suite) throw new Error('there is no suite.json')
      return suite
    },
    api: (path, { as = `admin:${adminPassword}`, ...init } = {}) => {
      const headers = new Headers(init.headers)
      if (as !== null) headers.set('authorization', `Basic ${Buffer.from(as).toString('base64')}`)
      if (typeof init.body === 'string' && !headers.has('content-type')) headers.set('content-type', 'application/json')
      return fetch(`${url}${path}`, { ...init, headers })
    },
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      const code = await attempt.ended
      await attempt.clean()
      return code
    },
  }
}

/** Starts a suite that is expected to refuse, and answers how it did. */
export async function refusedSuite(wish: SuiteWish): Promise<{ code: number | null; stderr: string[] }> {
  const attempt = await launch(wish)
  if ((await attempt.ready) !== undefined) {
    attempt.child.kill('SIGTERM')
    await attempt.ended
    throw new Error('the suite started although it should have refused')
  }
  const code = await attempt.ended
  await attempt.clean()
  return { code, stderr: attempt.stderr }
}

interface Attempt {
  child: ChildProcess
  data: string
  stdout: string[]
  stderr: string[]
  /** The URL of the ready line; undefined when it ended before. */
  ready: Promise<string | undefined>
  ended: Promise<number | null>
  clean(): Promise<void>
}

async function launch(wish: SuiteWish): Promise<Attempt> {
  const dir = wish.data === undefined ? await tempDir('suite') : undefined
  const data = wish.data ?? join(dir?.path as string, 'data')
  const child = spawn(process.execPath, ['--conditions=@berth/source', '--disable-warning=DEP0060', SUPERVISOR], {
    cwd: ROOT,
    env: { ...plainEnvironment(), BERTH_DATA: data, BERTH_HTTP_PORT: String(await freePort()), ...wish.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stdout: string[] = []
  const stderr: string[] = []
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const ready = new Promise<string | undefined>((resolve, reject) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      stdout.push(line)
      const found = /^Berth is ready at (\S+)$/.exec(line)
      if (found) resolve(found[1])
    })
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => stderr.push(line))
    void ended.then(() => resolve(undefined))
    setTimeout(() => reject(new Error(`not ready in time:\n${stdout.slice(-20).join('\n')}`)), READY_WITHIN_MS).unref()
  })
  return { child, data, stdout, stderr, ready, ended, clean: async () => dir?.remove() }
}

/** What a shell has, and nothing a test runner or another suite has set. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const kept = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_.*|TMPDIR|TERM)$/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => kept.test(name)))
}
