import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { credentialsPath, type RunningNats, type Suite, startNats } from '@berth/embedded'
import { type Bus, connectBus, provision, tellEvent } from '@berth/messaging'
import { silentLogger } from '@berth/runtime'
import { NATS_USERS, type NatsUser, NO_POLICY, natsPermissions, projectPut, tagList } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CapturedWorld, capturedWorld } from '../captured-world.ts'
import type { CredentialsFile } from './credentials-file.ts'

const passOf = (user: string) => `pass-of-${user}`

describe('a NATS user for a program outside', () => {
  let world: CapturedWorld
  let home: string
  let nats: RunningNats
  const buses: Bus[] = []

  const connectAs = async (user: string, pass: string) => {
    const bus = await connectBus({ user, nats: { url: nats.url, user, pass }, log: silentLogger })
    buses.push(bus)
    return bus
  }
  const connect = (user: NatsUser) => connectAs(user, passOf(user))
  const credentialsOf = async (name: string): Promise<CredentialsFile> =>
    JSON.parse(await readFile(join(home, `external-${name}.json`), 'utf8'))

  /** A data directory as a running suite leaves it, with NATS alone running. */
  beforeAll(async () => {
    world = await capturedWorld()
    home = join(world.home, 'data', 'nats')
    await mkdir(home, { recursive: true })
    for (const user of NATS_USERS) {
      await writeFile(credentialsPath(home, user), JSON.stringify({ user, pass: passOf(user) }))
    }
    const users = NATS_USERS.map((user) => ({ user, pass: passOf(user), permissions: natsPermissions(user) }))
    nats = await startNats({ home, users })
    const suite: Suite = {
      version: '0.1.0',
      url: 'http://127.0.0.1:9',
      pid: process.pid,
      processes: [],
      nats: { url: nats.url, credentials: credentialsPath(home, 'operator') },
      database: { url: 'postgres://127.0.0.1:9/berth', user: 'berth' },
      parts: [{ name: 'nats', pid: nats.pid, port: nats.port }],
    }
    await writeFile(join(world.home, 'data', 'suite.json'), JSON.stringify(suite))
    await provision(await connect('provision'))
  })

  afterAll(async () => {
    for (const bus of buses) await bus.close()
    await nats?.stop()
    await world?.remove()
  })

  it('is provisioned like the suite itself, by a command that may be repeated', async () => {
    const { code, stdout, stderr } = await world.run(['provision', '-o', 'json'])
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toContainEqual({ kind: 'stream', name: 'EVENTS' })
  })

  it('is made with a credentials file for its owner alone', async () => {
    const ask = ['--ask', 'svc.registry.v1.tag.list', '--follow', 'event.artifact.pushed']
    const robot = ['--robot', 'robot$library+reader', '--robot-secret-stdin']
    const added = await world.run(['nats', 'user', 'add', 'watcher', ...ask, ...robot], 'the-secret\n')
    expect(added.stderr).toBe('')
    expect(added.code).toBe(0)
    expect(added.stdout).not.toContain('the-secret')
    expect((await stat(join(home, 'external-watcher.json'))).mode & 0o777).toBe(0o600)
    expect(await credentialsOf('watcher')).toEqual({
      servers: [nats.url],
      user: 'watcher',
      pass: expect.any(String),
      inboxPrefix: '_INBOX_watcher',
      account: { name: 'robot$library+reader', secret: 'the-secret' },
      consumer: { stream: 'EVENTS', name: 'ext_watcher' },
    })
  })

  it('is listed with what it may ask', async () => {
    const { stdout } = await world.run(['nats', 'user', 'list', '-o', 'json'])
    expect(JSON.parse(stdout)).toEqual([
      { name: 'watcher', asks: ['svc.registry.v1.tag.list', 'svc.token.v1.access.issue'], consumer: 'ext_watcher' },
    ])
  })

  it('cannot be made twice, and the first one stays as it is', async () => {
    const before = await credentialsOf('watcher')
    const again = await world.run(['nats', 'user', 'add', 'watcher', '--ask', 'svc.token.v1.key.list'])
    expect(again.code).toBe(1)
    expect(await credentialsOf('watcher')).toEqual(before)
  })

  it('cannot have the name of a part of the suite', async () => {
    const { code, stderr } = await world.run(['nats', 'user', 'add', 'core', '--ask', 'svc.token.v1.key.list'])
    expect(code).toBe(1)
    expect(stderr).toContain('part of the suite')
  })

  it('asks what it was given and is refused the rest', async () => {
    const { user, pass } = await credentialsOf('watcher')
    const watcher = await connectAs(user, pass)
    // Nobody answers here: it gets as far as the subject.
    await expect(watcher.ask(tagList, { repository: 'library/app', limit: 1 })).rejects.toThrow('cannot be reached')
    const project = { id: 1, name: 'a', kind: 'local', state: 'open', public: true } as const
    const revisions = { accessRevision: 1, revision: 1, quotaLimitBytes: -1, policy: NO_POLICY }
    await expect(watcher.ask(projectPut, { project: { ...project, ...revisions } })).rejects.toMatchObject({
      code: 'PERMISSIONS_VIOLATION',
    })
    const others = watcher.jetstream.consumers.get('EVENTS', 'registry-projects')
    await expect(others).rejects.toMatchObject({ code: 'PERMISSIONS_VIOLATION' })
  })

  it('has the events of its subject wait for it, and no others', async () => {
    const registry = await connect('registry')
    const tell = (subject: string, id: string) => tellEvent(registry, { subject, messageId: id, payload: `"${id}"` })
    await tell('event.artifact.pushed', 'one')
    await tell('event.tag.deleted', 'two')
    await tell('event.artifact.pushed', 'three')
    const { user, pass } = await credentialsOf('watcher')
    const watcher = await connectAs(user, pass)
    const consumer = await watcher.jetstream.consumers.get('EVENTS', 'ext_watcher')
    const got: string[] = []
    for await (const message of await consumer.fetch({ max_messages: 2, expires: 5_000 })) {
      got.push(message.json())
      message.ack()
    }
    expect(got).toEqual(['one', 'three'])
  })

  it('is gone with its consumer and its file when it is removed', async () => {
    const { user, pass } = await credentialsOf('watcher')
    const { code, stderr } = await world.run(['nats', 'user', 'remove', 'watcher'])
    expect(stderr).toBe('user watcher removed\n')
    expect(code).toBe(0)
    await expect(credentialsOf('watcher')).rejects.toMatchObject({ code: 'ENOENT' })
    const provisioner = await connect('provision')
    const manager = await provisioner.connection.jetstreamManager({ checkAPI: false })
    await expect(manager.consumers.info('EVENTS', 'ext_watcher')).rejects.toThrow('not found')
    await expect(connectAs(user, pass)).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' })
    expect((await world.run(['nats', 'user', 'remove', 'watcher'])).code).toBe(3)
  })

  it('leaves nothing behind when its robot account cannot be made', async () => {
    world.env.BERTH_PASSWORD = 'Any-password-1'
    const args = ['nats', 'user', 'add', 'reader', '--follow', 'event.tag.deleted', '--project', 'library']
    const { code, stderr } = await world.run(args)
    expect(code).toBe(1)
    expect(stderr).toContain('cannot reach http://127.0.0.1:9')
    expect((await world.run(['nats', 'user', 'list', '-o', 'json'])).stdout).toBe('[]\n')
    const provisioner = await connect('provision')
    const manager = await provisioner.connection.jetstreamManager({ checkAPI: false })
    await expect(manager.consumers.info('EVENTS', 'ext_reader')).rejects.toThrow('not found')
  })
})
