import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { SERVICES } from '@berth/types'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from './ports.ts'
import { commandOf } from './processes.ts'
import { readSuite, type Suite } from './suite-file.ts'

const HERE = dirname(fileURLToPath(import.meta.url))
const CLONE = dirname(dirname(dirname(HERE)))

/** A service that does what the supervisor expects of one, and as FAKE_* tells, less. */
const FAKE_SERVICE = `
import { createServer } from 'node:http'
const name = process.argv[1].split('/').at(-3)
const prefix = 'BERTH_' + name.replaceAll('-', '_').toUpperCase()
const say = (message) => console.log(JSON.stringify({ timestamp: new Date().toISOString(), level: 'info', service: name, message }))
if (process.env.FAKE_REFUSES === name) { console.error('berth: BERTH_FAKE is not set'); process.exit(2) }
if (process.env.FAKE_DIES === name) { console.error('cannot go on'); process.exit(7) }
const open = (setting, body) => {
  const [host, port] = process.env[prefix + setting].split(':')
  createServer((req, res) => res.end(body)).listen({ host, port, reusePort: process.env.BERTH_GATEWAY_REUSE_PORT === 'true' })
}
open('_ADMIN_LISTEN', 'ready')
if (name !== 'log-collector') open('_LISTEN', '{"status":"healthy"}')
say('runs')
if (process.env.FAKE_CHATTERS === name) setInterval(() => { for (let i = 0; i < 100; i++) say('x'.repeat(1000)) }, 5)
process.on('SIGTERM', () => { say('stops'); if (process.env.FAKE_STAYS !== name) setTimeout(() => process.exit(0), 20) })
const parent = Number(process.env.BERTH_PARENT_PID)
if (process.env.FAKE_STAYS !== name) setInterval(() => process.ppid === parent || process.exit(0), 100)
else setInterval(() => undefined, 1000)
`

let directory: string
let root: string
let data: string
let port: number
const running: ChildProcess[] = []

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-supervisor-'))
  chmodSync(directory, 0o711)
  root = join(directory, 'a clone')
  for (const service of SERVICES) {
    mkdirSync(join(root, 'services', service, 'src'), { recursive: true })
    writeFileSync(join(root, 'services', service, 'src', 'main.ts'), FAKE_SERVICE)
  }
  cpSync(join(CLONE, 'package.json'), join(root, 'package.json'))
  writeFileSync(
    join(root, 'main.ts'),
    `import { superviseAndLeave } from ${JSON.stringify(join(HERE, 'run-supervisor.ts'))}
     await superviseAndLeave(process.env, ${JSON.stringify(root)})`,
  )
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

beforeEach(async () => {
  data = join(directory, `data-${Math.random().toString(36).slice(2)}`)
  port = await freePort()
})
afterEach(async () => {
  for (const child of running.splice(0)) await ended(child, 'SIGTERM')
})

interface Run {
  child: ChildProcess
  lines: () => string[]
  errors: () => string[]
  code: Promise<number | null>
}

function run(env: NodeJS.ProcessEnv = {}, options: { uid?: number; unread?: boolean } = {}): Run {
  const { PATH } = process.env
  const child = spawn(process.execPath, ['--conditions=@berth/source', join(root, 'main.ts')], {
    env: { PATH, BERTH_DATA: data, BERTH_HTTP_PORT: String(port), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: '/',
    ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
  })
  running.push(child)
  const said = { out: '', err: '' }
  if (!options.unread) child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (said.out += chunk))
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (said.err += chunk))
  const code = once(child, 'exit').then(([status]) => status as number | null)
  const linesOf = (text: string) => text.split('\n').filter((line) => line !== '')
  return { child, lines: () => linesOf(said.out), errors: () => linesOf(said.err), code }
}

async function until<T>(what: string, look: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  for (let tries = 0; tries < 600; tries++) {
    const found = await look()
    if (found) return found
    await sleep(50)
  }
  throw new Error(`waited in vain: ${what}`)
}

const isReady = (one: Run) => one.lines().includes(`Berth is ready at http://127.0.0.1:${port}`)

async function ready(env: NodeJS.ProcessEnv = {}, options: { uid?: number } = {}): Promise<Run & { suite: Suite }> {
  const one = run(env, options)
  void one.code.then((code) => {
    if (!isReady(one)) throw new Error(`ended with ${code}: ${one.errors().join('\n')}`)
  })
  await until('ready', () => isReady(one))
  return { ...one, suite: await suiteNow() }
}

async function suiteNow(): Promise<Suite> {
  const suite = await readSuite(data)
  if (!suite) throw new Error('no suite.json')
  return suite
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill(signal)
  await Promise.race([exit, sleep(20_000).then(() => child.kill('SIGKILL'))])
}

/** Every process that belongs to the suite of this test; what nobody has collected yet does not count. */
async function processes(): Promise<number[]> {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const command = await commandOf(pid)
      return command?.some((word) => word.startsWith(data) || word.startsWith(root)) ? [pid] : []
    }),
  )
  return found.flat()
}

const nothingLeft = () => until('nothing left', async () => (await processes()).length === 0)
const pidOf = (suite: Suite, name: string) =>
  [...suite.parts.map((part) => ({ ...part })), ...suite.processes.map((one) => ({ ...one, name: one.service }))].find(
    (one) => one.name === name,
  )?.pid as number

describe('a suite that starts', () => {
  it('says last that it is ready, after a table and suite.json', async () => {
    const one = await ready()
    const lines = one.lines()
    const table = lines.findIndex((line) => line.startsWith('service '))
    expect(lines.slice(table + 1, table + 8).map((line) => line.split(' ')[0])).toEqual([
      'postgres',
      'nats',
      ...[...SERVICES].toSorted(),
    ])
    expect(lines.slice(table).at(-1)).toBe(`Berth is ready at http://127.0.0.1:${port}`)
    expect(statSync(join(data, 'suite.json')).mode & 0o777).toBe(0o600)
    expect(one.suite).toMatchObject({
      url: `http://127.0.0.1:${port}`,
      pid: one.child.pid,
      nats: { credentials: join(data, 'nats', 'operator.json') },
      database: { user: 'berth_admin' },
    })
    expect(one.suite.processes.map(({ service }) => service)).toEqual([...SERVICES].toSorted())
    for (const line of lines.filter((text) => text.startsWith('{'))) expect(JSON.parse(line)).toHaveProperty('message')
  })

  it('shows the admin password it made once, and keeps it', async () => {
    const first = await ready()
    const password = readFileSync(join(data, 'admin-password'), 'utf8').trim()
    expect(first.lines().filter((line) => line.includes(password))).toHaveLength(1)
    await ended(first.child, 'SIGTERM')
    const second = await ready()
    expect(second.lines().filter((line) => line.includes(password))).toHaveLength(0)
    expect(readFileSync(join(data, 'admin-password'), 'utf8').trim()).toBe(password)
  })

  it('runs as many replicas as it is told, two gateways behind one port', async () => {
    const { suite } = await ready({ BERTH_SCALE: 'registry=3,gateway=2' })
    const count = (name: string) => suite.processes.filter(({ service }) => service === name)
    expect(count('registry').map(({ replica }) => replica)).toEqual([0, 1, 2])
    expect(new Set(count('gateway').map(({ http }) => http))).toEqual(new Set([suite.url]))
  })

  it('runs the same under an ordinary account', async () => {
    const uid = process.getuid?.() === 0 ? 65_534 : undefined
    if (uid !== undefined) {
      data = join(directory, 'of somebody', 'data')
      mkdirSync(dirname(data))
      chownSync(dirname(data), uid, uid)
    }
    const { suite } = await ready({}, { uid })
    expect(statSync(`/proc/${pidOf(suite, 'postgres')}`).uid).toBe(uid ?? process.getuid?.())
    expect(existsSync(join(data, 'postgres', 'cluster'))).toBe(true)
  })

  it('keeps Postgres elsewhere when its account cannot enter the data directory', async () => {
    data = join(directory, 'closed', 'data')
    mkdirSync(dirname(data), { mode: 0o700 })
    const one = await ready()
    const { id } = JSON.parse(readFileSync(join(data, 'berth.json'), 'utf8'))
    const elsewhere = join('/var/lib/berth', id)
    try {
      const isRoot = process.getuid?.() === 0
      expect(existsSync(isRoot ? join(elsewhere, 'cluster') : join(data, 'postgres', 'cluster'))).toBe(true)
      expect(existsSync(elsewhere)).toBe(isRoot)
      await ended(one.child, 'SIGTERM')
    } finally {
      if (/^[0-9a-f]{32}$/.test(id)) rmSync(elsewhere, { recursive: true, force: true })
    }
  })
})

describe('a start that is refused', () => {
  const refusals: [string, () => NodeJS.ProcessEnv, number, RegExp][] = [
    ['a wrong setting', () => ({ BERTH_TLS: 'maybe' }), 2, /\(BERTH_TLS\)$/],
    ['a service that refuses its settings', () => ({ FAKE_REFUSES: 'token' }), 2, /BERTH_FAKE is not set \(token\)$/],
    ['a service that keeps ending', () => ({ FAKE_DIES: 'core' }), 1, /core ended 3 times.*cannot go on \(core\)$/],
    ['a foreign data directory', () => ({ BERTH_DATA: HERE }), 4, /holds files of something else/],
    ['a NATS that is not there', () => ({ NATS_URL: 'nats://127.0.0.1:1' }), 5, /\(NATS_URL\)$/],
    ['a Postgres that is not there', () => ({ DATABASE_URL: 'postgres://127.0.0.1:1/x' }), 5, /\(DATABASE_URL\)$/],
  ]
  it('leaves nothing outside of a closed data directory', async () => {
    data = join(directory, 'closed as well', 'data')
    mkdirSync(dirname(data), { mode: 0o700 })
    const one = run({ DATABASE_URL: 'postgres://127.0.0.1:1/x' })
    expect(await one.code).toBe(5)
    const { id } = JSON.parse(readFileSync(join(data, 'berth.json'), 'utf8'))
    expect(existsSync(join('/var/lib/berth', id))).toBe(false)
  })

  it.each(refusals)('by %s is one line and an exit code, and leaves nothing', async (_what, env, exitCode, line) => {
    const one = run(env())
    expect(await one.code).toBe(exitCode)
    expect(one.errors()).toHaveLength(1)
    expect(one.errors()[0]).toMatch(/^berth: .+ \(.+\)$/)
    expect(one.errors()[0]).toMatch(line)
    await nothingLeft()
  })

  it('by a taken port names the port', async () => {
    const squatter = createServer().listen(port, '127.0.0.1')
    await once(squatter, 'listening')
    const one = run()
    expect(await one.code).toBe(3)
    expect(one.errors()).toEqual([`berth: port ${port} of 127.0.0.1 is taken (BERTH_HTTP_PORT)`])
    squatter.close()
  })

  it('by another suite on the same data leaves that one alone', async () => {
    const first = await ready()
    const second = run({ BERTH_HTTP_PORT: String(await freePort()) })
    expect(await second.code).toBe(4)
    expect(second.errors()[0]).toContain(`in use by another suite, pid ${first.child.pid} (${data})`)
    expect((await fetch(first.suite.url)).status).toBe(200)
    expect(await suiteNow()).toEqual(first.suite)
  })

  it('by a NATS that is too old says which version it found', async () => {
    const { createServer: createTcp } = await import('node:net')
    const old = createTcp((socket) => socket.end('INFO {"version":"2.9.10","jetstream":true}\r\n')).listen(
      0,
      '127.0.0.1',
    )
    await once(old, 'listening')
    const { port: natsPort } = old.address() as { port: number }
    const one = run({ NATS_URL: `nats://127.0.0.1:${natsPort}` })
    expect(await one.code).toBe(5)
    expect(one.errors()[0]).toContain('is 2.9.10, 2.12.0 or newer is needed (NATS_URL)')
    old.close()
  })
})

describe('a suite that stops', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('on %s does so in order and leaves nothing', async (signal) => {
    const one = await ready()
    one.child.kill(signal)
    expect(await one.code).toBe(0)
    await nothingLeft()
    const stops = one.lines().filter((line) => /"message":"(stops|database system is shut down)"/.test(line))
    const order = stops.map((line) => JSON.parse(line).service)
    expect(order[0]).toBe('gateway')
    expect(order.slice(-2)).toEqual(['log-collector', 'postgres'])
    expect(existsSync(join(data, 'suite.json'))).toBe(false)
  })

  it('at the second signal does so at once, and takes two at the same moment for one', async () => {
    const one = await ready({ FAKE_STAYS: 'gateway' })
    one.child.kill('SIGINT')
    one.child.kill('SIGTERM')
    await until('it began to stop', () => one.lines().some((line) => line.includes('"pace":"calm"')))
    await sleep(400)
    expect(one.child.exitCode).toBeNull()
    one.child.kill('SIGINT')
    expect(await one.code).toBe(0)
    await nothingLeft()
  })

  it('while it is starting leaves nothing', async () => {
    const one = run()
    await until('Postgres starts', () => one.lines().some((line) => line.includes('starting PostgreSQL')))
    one.child.kill('SIGTERM')
    expect(await one.code).toBe(0)
    expect(one.errors()).toEqual([])
    await nothingLeft()
  })

  it('when its parent goes, and a service that does not want to is ended', async () => {
    const shell = spawn(
      '/bin/sh',
      ['-c', '"$@" & wait', 'sh', process.execPath, '--conditions=@berth/source', join(root, 'main.ts')],
      {
        env: { PATH: process.env.PATH, BERTH_DATA: data, BERTH_HTTP_PORT: String(port), FAKE_STAYS: 'registry' },
        stdio: 'ignore',
      },
    )
    await until('ready', () => existsSync(join(data, 'suite.json')))
    shell.kill('SIGKILL')
    await nothingLeft()
  })

  it('by kill -9 of the supervisor leaves nothing either', async () => {
    const one = await ready({ FAKE_STAYS: 'core' })
    one.child.kill('SIGKILL')
    await nothingLeft()
  })
})

describe('a suite in which something crashes', () => {
  it.each(['core', 'postgres', 'nats'])('starts %s again, says so and writes down its new pid', async (name) => {
    const one = await ready()
    process.kill(pidOf(one.suite, name), 'SIGKILL')
    const changed = await until('a new pid', async () => {
      const suite = await suiteNow()
      return pidOf(suite, name) && pidOf(suite, name) !== pidOf(one.suite, name) ? suite : undefined
    })
    const withoutPid = (suite: Suite) => JSON.stringify(suite).replaceAll(/"pid":\d+/g, '')
    expect(withoutPid(changed)).toBe(withoutPid(one.suite))
    expect(one.lines().filter((line) => line.includes('ended by itself, will start it again'))).toHaveLength(1)
  })

  it('recovers after kill -9 of everything', async () => {
    const one = await ready()
    for (const pid of await processes()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch (err) {
        expect((err as NodeJS.ErrnoException).code).toBe('ESRCH')
      }
    }
    await one.code
    const again = await ready()
    expect(again.suite.database.user).toBe('berth_admin')
  })

  it('goes on when nobody reads what it says', async () => {
    const one = run({ FAKE_CHATTERS: 'core' }, { unread: true })
    await until('ready', () => existsSync(join(data, 'suite.json')))
    await sleep(1_000)
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200)
    one.child.kill('SIGTERM')
    expect(await one.code).toBe(0)
    await nothingLeft()
  })
})
