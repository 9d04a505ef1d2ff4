import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort, readSuite, type Suite } from '@berth/embedded'
import { type TempDir, tempDir, throwAwayNats, throwAwayPostgres } from '@berth/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const LIMIT_MB = 900

let dir: TempDir
let data: string
let port: number
let mark: string
const started: ChildProcess[] = []

beforeEach(async () => {
  dir = await tempDir('lifecycle')
  data = join(dir.path, 'data of a suite')
  port = await freePort()
  mark = `LIFECYCLE_TEST=${data}`
})
afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  await dir.remove()
})

interface Started {
  npm: ChildProcess
  code: Promise<number | null>
  suite: Suite
  stdout: () => string
}

async function npmStart(env: NodeJS.ProcessEnv = {}): Promise<Started> {
  const npm = spawn('npm', ['start'], {
    cwd: ROOT,
    env: { ...process.env, BERTH_DATA: data, BERTH_HTTP_PORT: String(port), LIFECYCLE_TEST: data, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.push(npm)
  let stdout = ''
  let stderr = ''
  npm.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
  })
  npm.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  const code = once(npm, 'exit').then(([status]) => status as number | null)
  const isReady = () => stdout.split('\n').includes(`Berth is ready at http://127.0.0.1:${port}`)
  while (!isReady()) {
    if (npm.exitCode !== null)
      throw new Error(`npm start ended with ${npm.exitCode}: ${stderr}\n${stdout.slice(-2_000)}`)
    await sleep(50)
  }
  const suite = await readSuite(data)
  if (!suite) throw new Error('no suite.json')
  return { npm, code, suite, stdout: () => stdout }
}

/** Our processes carry the mark in their environment, Postgres and nats-server the data directory on their command line. */
function processes(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(
      (pid) => pid !== process.pid && (read(pid, 'environ').includes(mark) || read(pid, 'cmdline').includes(data)),
    )
}

function read(pid: number, what: string): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'utf8')
  } catch {
    return ''
  }
}

async function nothingLeft(): Promise<void> {
  while (processes().length > 0) await sleep(50)
}

describe.each([
  ['on a Node that can become another program', {}],
  ['on an older Node', { NODE_OPTIONS: '--import "data:text/javascript,delete process.execve"' }],
])('npm start, %s,', (_node, env) => {
  it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 on %s and leaves nothing', async (signal) => {
    const { npm, code, suite } = await npmStart(env)
    expect(processes()).toEqual(expect.arrayContaining([suite.pid, ...suite.parts.map((part) => part.pid)]))
    npm.kill(signal)
    expect(await code).toBe(0)
    await nothingLeft()
  })

  it('leaves nothing when npm is killed', async () => {
    const { npm } = await npmStart(env)
    npm.kill('SIGKILL')
    await nothingLeft()
  })

  it('leaves nothing when the supervisor is killed, and says by its exit code that something went wrong', async () => {
    const { suite, code } = await npmStart(env)
    process.kill(suite.pid, 'SIGKILL')
    expect(await code).not.toBe(0)
    await nothingLeft()
  })

  it('hands the exit code of a refused start on', async () => {
    await expect(npmStart({ ...env, BERTH_TLS: 'maybe' })).rejects.toThrow(
      /npm start ended with 2: (?:.*^)?berth: must be off, self-signed or files \(BERTH_TLS\)$/ms,
    )
  })
})

describe('a suite', () => {
  const asAdmin = (suite: Suite, path: string, init: RequestInit = {}) => {
    const password = readFileSync(join(data, 'admin-password'), 'utf8').trim()
    const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
    return fetch(`${suite.url}${path}`, { ...init, headers: { authorization, 'content-type': 'application/json' } })
  }

  it('keeps all data through kill -9 of everything', async () => {
    const first = await npmStart()
    const body = JSON.stringify({ project_name: 'kept', metadata: { public: 'false' } })
    expect((await asAdmin(first.suite, '/api/v2.0/projects', { method: 'POST', body })).status).toBe(201)
    for (const pid of processes()) {
      if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL')
    }
    await nothingLeft()
    const second = await npmStart()
    expect(await (await asAdmin(second.suite, '/api/v2.0/projects?name=kept')).json()).toMatchObject([{ name: 'kept' }])
  })

  it('runs on the stores of somebody else, and leaves the admin found there alone', async () => {
    const [postgres, nats] = await Promise.all([throwAwayPostgres(), throwAwayNats()])
    const BERTH_SECRET_KEY = randomBytes(32).toString('base64')
    const env = { DATABASE_URL: postgres.url, NATS_URL: nats.url, BERTH_SECRET_KEY }
    const first = await npmStart(env)
    expect(first.suite).toMatchObject({ parts: [], database: { url: postgres.url }, nats: { url: nats.url } })
    expect((await asAdmin(first.suite, '/api/v2.0/users/current')).status).toBe(200)
    first.npm.kill('SIGTERM')
    await first.code
    data = join(dir.path, 'other data')
    const second = await npmStart(env)
    expect(second.stdout()).toContain('The database has an admin already; its password is unchanged')
    expect(existsSync(join(data, 'admin-password'))).toBe(false)
    second.npm.kill('SIGTERM')
    await second.code
    await Promise.all([postgres.stop(), nats.stop()])
  })

  it('answers through every replica of every service', async () => {
    const { suite } = await npmStart({ BERTH_SCALE: 'gateway=2,core=2,registry=2,token=2' })
    expect(suite.processes).toHaveLength(9)
    for (const { admin } of suite.processes) expect((await fetch(`${admin}/readyz`)).status).toBe(200)
    for (let times = 0; times < 20; times++) {
      const answer = await fetch(`${suite.url}/api/v2.0/ping`, { headers: { connection: 'close' } })
      expect(await answer.text()).toBe('Pong')
    }
  })

  it('fits into its memory', async () => {
    await npmStart()
    const pssKb = (pid: number) => Number(/^Pss: +(\d+) kB$/m.exec(read(pid, 'smaps_rollup'))?.[1] ?? 0)
    const totalKb = processes().reduce((sum, pid) => sum + pssKb(pid), 0)
    expect(totalKb / 1024).toBeGreaterThan(100)
    expect(totalKb / 1024).toBeLessThan(LIMIT_MB)
  })
})
