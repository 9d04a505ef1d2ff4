import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { healthCheck, linesSearch } from '@berth/types'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openSurroundings, type Surroundings } from './testing/harness.ts'

let around: Surroundings
let collector: Awaited<ReturnType<Surroundings['startCollector']>> | undefined

beforeAll(async () => {
  around = await openSurroundings()
})
afterEach(async () => {
  await collector?.stop()
  collector = undefined
})
afterAll(() => around.stop())

async function start(env: NodeJS.ProcessEnv = {}): Promise<void> {
  collector = await around.startCollector(env)
}

/** Everything ever written for a service, from its files. */
async function written(service: string): Promise<Record<string, unknown>[]> {
  const folder = join(around.dir, service)
  const names = (await readdir(folder)).filter((name) => /\.ndjson(\.gz)?$/.test(name)).sort()
  const texts = await Promise.all(
    names.map(async (name) => {
      const bytes = await readFile(join(folder, name))
      return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
    }),
  )
  return texts
    .join('')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

const eventually = { timeout: 20_000, interval: 100 }

describe('searching', () => {
  it('finds lines by service, level, text, request and time, the newest first', async () => {
    await start()
    const core = around.voice('core')
    const token = around.voice('token')
    core.say('project made', { requestId: 'req-1', project: 'Library' })
    token.say('token signed', { requestId: 'req-1' })
    core.say('cannot reach it', {}, 'warn')
    core.say('gone', {}, 'error')
    await expect.poll(async () => (await around.search()).lines.length, eventually).toBeGreaterThanOrEqual(4)

    const messages = async (request: Parameters<Surroundings['search']>[0]) =>
      (await around.search(request)).lines.map((line) => line.message)
    expect(await messages({ service: 'core' })).toEqual(['gone', 'cannot reach it', 'project made'])
    expect(await messages({ service: 'core', level: 'warn' })).toEqual(['gone', 'cannot reach it'])
    expect(await messages({ text: 'LIBRARY' })).toEqual(['project made'])
    expect((await messages({ requestId: 'req-1' })).toSorted()).toEqual(['project made', 'token signed'])
    expect(await messages({ service: 'core', to: new Date(Date.now() - 60_000).toISOString() })).toEqual([])
    expect(await messages({ service: 'core', from: new Date(Date.now() - 60_000).toISOString(), limit: 1 })).toEqual([
      'gone',
    ])
  })

  it('is for administrators alone', async () => {
    await start()
    const ask = (token?: string) => around.core.ask(linesSearch, { limit: 1 }, { token })
    await expect(ask(around.strangerToken)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(ask('nonsense')).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    await expect(ask()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    await expect(ask(around.adminToken)).resolves.toHaveProperty('lines')
  })

  it('walks page by page over files that were ended and compressed meanwhile', async () => {
    await start({ BERTH_LOG_COLLECTOR_FILE_BYTES: '65536' })
    const voice = around.voice('walker')
    const numbers = Array.from({ length: 3_000 }, (_, n) => n)
    for (const number of numbers) {
      voice.say('step', { number, pad: 'x'.repeat(200) })
      if (number % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await expect.poll(async () => (await written('walker')).length, eventually).toBe(3_000)
    await expect
      .poll(
        async () => (await readdir(join(around.dir, 'walker'))).filter((name) => name.endsWith('.gz')).length,
        eventually,
      )
      .toBeGreaterThan(3)

    const found: unknown[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await around.search({ service: 'walker', limit: 700, cursor })
      found.push(...page.lines.map((line) => line.number))
      cursor = page.next
      if (cursor === undefined) break
    }
    expect(found).toEqual(numbers.toReversed())
  })
})

describe('what is written', () => {
  it('takes lines of anybody under a safe name, and what is no log line as text', async () => {
    await start()
    around.voice('postgres').say('checkpoint')
    around.voice('E/vil\\').say('let me out')
    around.core.connection.publish('log.core.warn', 'no JSON at all')
    await expect.poll(async () => (await around.search({ text: 'no JSON at all' })).lines.length, eventually).toBe(1)
    expect(await readdir(around.dir)).toEqual(expect.arrayContaining(['postgres', 'e_vil_']))
    expect((await around.search({ text: 'let me out' })).lines[0]?.service).toBe('E/vil\\')
    expect((await around.search({ text: 'no JSON at all' })).lines[0]).toMatchObject({ service: 'core', level: 'warn' })
  })

  it('believes the subject, not the line, about whose line it is', async () => {
    await start()
    const line = { timestamp: new Date().toISOString(), level: 'info', service: 'token', message: 'I am token' }
    around.core.connection.publish('log.core.info', JSON.stringify(line))
    await expect
      .poll(async () => (await around.search({ text: 'I am token' })).lines[0]?.service, eventually)
      .toBe('core')
  })
})

describe('loss', () => {
  it('counts numbers that are missing after the first line of a process', async () => {
    await start()
    const voice = around.voice('leaky')
    voice.lose(3)
    voice.say('the first that came')
    voice.lose(7)
    voice.say('the next')
    await expect.poll(async () => (await around.search()).dropped.leaky, eventually).toBe(7)
    const metrics = await (await fetch(`${collector?.admin}/metrics`)).text()
    expect(metrics).toMatch(/berth_log_dropped_lines\{.*of="leaky".*\} 7/)
  })

  it('loses and doubles nothing the stream has when it is killed in the middle', async () => {
    const voice = around.voice('killed')
    const env = { ...process.env, ...(await around.settings()) }
    const args = ['--conditions=@berth/source', join(import.meta.dirname, 'main.ts')]
    const total = 12_000
    let said = 0
    for (let life = 0; life < 3; life++) {
      const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
      await once(child.stdout, 'data')
      const talking = setInterval(() => {
        for (let n = 0; n < 200 && said < total; n++) voice.say('count', { number: said++ })
      }, 10)
      await new Promise((resolve) => setTimeout(resolve, 400 + life * 150))
      clearInterval(talking)
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    while (said < total) voice.say('count', { number: said++ })
    await start()
    await expect.poll(async () => (await written('killed')).length, { timeout: 50_000, interval: 250 }).toBe(total)
    const numbers = (await written('killed')).map((line) => Number(line.number))
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, n) => n))
    expect((await around.search()).dropped.killed).toBeUndefined()
  })

  it('goes on by itself after NATS was away', async () => {
    await start()
    const voice = around.voice('patient')
    voice.say('before')
    await expect.poll(async () => (await around.search({ service: 'patient' })).lines.length, eventually).toBe(1)
    await around.nats.restart('SIGKILL')
    await expect
      .poll(async () => {
        voice.say('after')
        return (await around.search({ service: 'patient' }).catch(() => ({ lines: [] }))).lines.length
      }, eventually)
      .toBeGreaterThan(1)
  })
})

it('says that it is well', async () => {
  await start()
  await expect(around.core.ask(healthCheck['log-collector'], {})).resolves.toEqual({
    components: [{ name: 'log-collector', status: 'healthy' }],
  })
  expect((await fetch(`${collector?.admin}/readyz`)).status).toBe(200)
})
