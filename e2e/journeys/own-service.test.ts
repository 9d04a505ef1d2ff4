import { cp, mkdir, readFile, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api } from '../src/api.ts'
import { basic } from '../src/http.ts'
import { type Image, makeImage } from '../src/images/image.ts'
import { type Daemon, type RunResult, run, runOk, startDaemon, until } from '../src/process.ts'
import { RegistryClient } from '../src/registry-client.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { CLONE, type Suite, startSuite } from '../src/suite.ts'

interface Said {
  service?: string
  version?: string
  subjects?: string[]
  tag?: string
  digest?: string
  pushed?: string
  tags?: string[]
  requestId?: string
  attempt?: string
  refused?: boolean
  because?: string
}

const parse = (text: string): Said[] =>
  text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))

describe('a program that is not part of the suite', () => {
  let home: string
  let suite: Suite
  let registry: RegistryClient
  let image: Image
  let credentials: string
  const watchers: Daemon[] = []

  const berth = (...args: string[]): Promise<RunResult> =>
    run('npm', ['run', '--silent', 'berth', '--', ...args], {
      cwd: CLONE,
      env: { ...process.env, BERTH_DATA: suite.data },
    })
  const program = (...args: string[]): string[] => [join(home, 'tag-watcher', 'tag-watcher.mjs'), credentials, ...args]
  const tagWatcher = async (...args: string[]): Promise<Said[]> =>
    parse((await runOk(process.execPath, program(...args), { cwd: home })).stdout)

  /** One life of the watcher; all of them share the journal. */
  const watch = async (): Promise<Daemon> => {
    let isWatching = false
    const daemon = startDaemon(process.execPath, program('watch', join(home, 'journal')), {
      cwd: home,
      logFile: join(home, `watch-${watchers.length}.log`),
      onLine: (line) => {
        isWatching ||= line.includes('"watching"')
      },
    })
    watchers.push(daemon)
    await until('the watcher', 30_000, () => isWatching)
    return daemon
  }
  const journal = async (): Promise<Said[]> => parse(await readFile(join(home, 'journal'), 'utf8').catch(() => ''))
  const pushes = async (): Promise<string[]> => (await journal()).map((one) => `${one.pushed}:${one.tags?.join()}`)

  /** A copy of the example that can reach nothing of the workspace, with the one package it names. */
  beforeAll(async () => {
    home = await openScratch()
    await cp(join(CLONE, 'docs', 'examples', 'tag-watcher'), join(home, 'tag-watcher'), { recursive: true })
    await mkdir(join(home, 'tag-watcher', 'node_modules'))
    await symlink(join(CLONE, 'e2e', 'node_modules', 'nats'), join(home, 'tag-watcher', 'node_modules', 'nats'))
    suite = await startSuite()
    const admin = Api.admin(suite)
    await admin.createProject('secret')
    registry = new RegistryClient(suite.url, basic('admin', suite.adminPassword))
    image = await makeImage({ name: 'own-service', layerBytes: [10_000] })
    await registry.pushImage('library/app', '1', image)
    await registry.pushImage('library/app', '2', image)
    await registry.pushImage('secret/app', '1', image)
    credentials = join(home, 'watcher.json')
    const grants = ['--ask', 'svc.registry.v1.tag.list', '--follow', 'event.artifact.pushed', '--project', 'library']
    const added = await berth('nats', 'user', 'add', 'watcher', ...grants, '--credentials', credentials)
    expect(added.code, added.output).toBe(0)
  })

  afterAll(async () => {
    for (const daemon of watchers) await daemon.stop()
    await suite?.stop()
    await removeScratch(home)
  })

  it('gets everything it needs in one file for its owner alone', async () => {
    expect((await stat(credentials)).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(credentials, 'utf8'))).toMatchObject({
      user: 'watcher',
      inboxPrefix: '_INBOX_watcher',
      account: { name: 'robot$library+watcher', secret: expect.stringMatching(/.{16,}/) },
      consumer: { stream: 'EVENTS', name: 'ext_watcher' },
    })
  })

  it('finds every service, and every question of the AsyncAPI document is answered by one', async () => {
    const services = await tagWatcher('services')
    const file = await suite.file()
    expect(new Set(services.map((one) => one.service))).toEqual(new Set(file.processes.map((one) => one.service)))
    expect(new Set(services.map((one) => one.version))).toEqual(new Set([file.version]))
    const document: { operations: Record<string, { action: string }> } = JSON.parse(
      await readFile(join(CLONE, 'docs', 'asyncapi.json'), 'utf8'),
    )
    const asks = Object.keys(document.operations).filter((name) => document.operations[name]?.action === 'receive')
    expect(new Set(services.flatMap((one) => one.subjects ?? []))).toEqual(new Set(asks))
  })

  it('lists the tags of a repository its account may read', async () => {
    const { digest } = image.manifest
    expect(await tagWatcher('tags', 'library/app')).toMatchObject([
      { tag: '1', digest },
      { tag: '2', digest },
    ])
  })

  it('follows pushes across its own restarts, each once', async () => {
    const first = await watch()
    await registry.pushImage('library/app', '3', image)
    await until('the first push', 30_000, async () => (await pushes()).length === 1)
    await first.stop()
    await registry.pushImage('library/app', '4', image)
    await registry.pushImage('secret/app', '5', image)
    const second = await watch()
    await until('the pushes made meanwhile', 30_000, async () => (await pushes()).length === 3)
    process.kill(second.pid, 'SIGKILL')
    await second.exited
    await registry.pushImage('library/app', '6', image)
    await watch()
    await until('the push after a crash', 30_000, async () => (await pushes()).length >= 4)
    expect(await pushes()).toEqual(['library/app:3', 'library/app:4', 'secret/app:5', 'library/app:6'])
  })

  it('is told the request that caused an event, which leads to its log lines', async () => {
    const requestId = (await journal())[0]?.requestId ?? ''
    await Api.admin(suite).linesOf(requestId, ['gateway', 'registry'])
    const logs = await berth('logs', '--request-id', requestId, '-o', 'json')
    expect(logs.code, logs.output).toBe(0)
    expect(parse(logs.stdout).map((line) => line.service)).toEqual(expect.arrayContaining(['gateway', 'registry']))
  })

  it('is refused whatever it was not given', async () => {
    const attempts = await tagWatcher('refused', 'secret/app')
    expect(attempts.length).toBeGreaterThan(10)
    expect(attempts.filter((one) => !one.refused)).toEqual([])
    const byServer = attempts.filter((one) => one.because === 'PERMISSIONS_VIOLATION')
    expect(byServer).toHaveLength(attempts.length - 1)
  })

  it('is kept out once its user is removed', async () => {
    const removed = await berth('nats', 'user', 'remove', 'watcher')
    expect(removed.code, removed.output).toBe(0)
    const refused = await run(process.execPath, program('tags', 'library/app'), { cwd: home })
    expect(refused.code).not.toBe(0)
    expect(refused.output).toMatch(/authorization violation/i)
  })
})
