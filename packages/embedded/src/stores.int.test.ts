import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectBus, provision } from '@berth/messaging'
import { natsSettings, silentLogger } from '@berth/runtime'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { changePassword, DATABASE, provisionDatabase, withClient } from './database-roles.ts'
import { mayConnect } from './nats-info.ts'
import { natsFiles, natsPort, type RunningNats, startNats } from './nats-server.ts'
import {
  addNatsUser,
  allUsers,
  credentialsPath,
  listNatsUsers,
  prepareNatsUsers,
  removeNatsUser,
} from './nats-users.ts'
import { type RunningPostgres, startPostgres } from './postgres.ts'

const directory = mkdtempSync(join(tmpdir(), 'berth-stores-'))
// Postgres of a test run by root belongs to another account, which must get through.
chmodSync(directory, 0o711)
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const secret = randomBytes(16).toString('hex')

describe('our own Postgres', () => {
  const home = join(directory, 'postgres')
  const superuserPassword = `admin-${secret}`
  let server: RunningPostgres
  const start = async () => {
    server = await startPostgres({ home, superuserPassword })
  }
  const ask = async (text: string, url = server.url()) =>
    withClient(url, async (client) => (await client.query({ text, rowMode: 'array' })).rows)

  beforeAll(start)
  afterAll(() => server.stop())

  it('is there for this machine alone, and writes to disk before it answers', async () => {
    const shown = await ask(
      `SELECT name, setting FROM pg_settings WHERE name IN
        ('listen_addresses', 'unix_socket_directories', 'fsync', 'synchronous_commit', 'password_encryption')
       ORDER BY name`,
    )
    expect(shown).toEqual([
      ['fsync', 'on'],
      ['listen_addresses', '127.0.0.1'],
      ['password_encryption', 'scram-sha-256'],
      ['synchronous_commit', 'on'],
      ['unix_socket_directories', ''],
    ])
  })

  it('never runs as root', () => {
    expect(statSync(`/proc/${server.pid}`).uid).not.toBe(0)
  })

  it('lets nobody in without the password', async () => {
    await expect(ask('SELECT 1', server.url('postgres', 'berth_admin', 'guess'))).rejects.toThrow('password')
  })

  it('keeps every committed row through kill -9', async () => {
    await ask('CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)')
    server.kill('SIGKILL')
    await server.exited
    await start()
    expect(await ask('SELECT id FROM kept')).toEqual([[1]])
  })

  it('starts although the pid it had belongs to another process now', async () => {
    server.kill('SIGKILL')
    await server.exited
    const file = join(home, 'cluster', 'postmaster.pid')
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^\d+/, String(process.pid)))
    await start()
    expect(await ask('SELECT id FROM kept')).toEqual([[1]])
  })

  it('ends a postmaster that an earlier life left behind', async () => {
    const left = server
    await start()
    await left.exited
    expect(server.pid).not.toBe(left.pid)
    expect(await ask('SELECT id FROM kept')).toEqual([[1]])
  })

  it('gives each role its own schema and nothing of the others', async () => {
    const passwordOf = (role: string) => `${role}-${secret}`
    const prepare = () => provisionDatabase((database) => server.url(database), roleOrAdmin)
    const roleOrAdmin = (role: string) => (role === 'berth_admin' ? superuserPassword : passwordOf(role))
    await prepare()
    await prepare()
    const as = (role: string, text: string, database = DATABASE) =>
      ask(text, server.url(database, role, passwordOf(role)))
    await as('berth_core', 'CREATE TABLE core.secret_of_core (id int); INSERT INTO core.secret_of_core VALUES (7)')
    expect(await as('berth_core', 'SELECT id FROM core.secret_of_core')).toEqual([[7]])
    for (const refused of [
      'SELECT id FROM core.secret_of_core',
      'CREATE TABLE core.mine (id int)',
      'CREATE TABLE public.mine (id int)',
      'CREATE SCHEMA mine',
      'CREATE TEMPORARY TABLE mine (id int)',
      'CREATE ROLE mine',
      'SET ROLE berth_core',
      'CREATE DATABASE mine',
      "COPY pg_class TO '/tmp/stolen'",
      'SELECT rolpassword FROM pg_authid',
    ]) {
      await expect(as('berth_token', refused), refused).rejects.toThrow('permission denied')
    }
    await expect(as('berth_token', 'SELECT 1', 'postgres')).rejects.toThrow('permission denied')
    await as('berth_token', 'CREATE TABLE token.words (word text)')
    await as('berth_token', 'CREATE INDEX ON token.words USING gin (word public.gin_trgm_ops)')
  })

  it('gives a role another password, also when it was given that already', async () => {
    const url = (password: string) => server.url('postgres', 'berth_admin', password)
    try {
      for (let times = 0; times < 2; times++) await changePassword(url(superuserPassword), 'berth_admin', 'another-one')
      expect(await ask('SELECT 1', url('another-one'))).toEqual([[1]])
      await expect(ask('SELECT 1', url(superuserPassword))).rejects.toThrow('password')
    } finally {
      await changePassword(url('another-one'), 'berth_admin', superuserPassword)
    }
  })
})

describe('our own nats-server', () => {
  const home = join(directory, 'nats')
  let server: RunningNats
  const start = async () => {
    server = await startNats({ home, users: await allUsers(home) })
  }
  const busOf = (user: 'provision' | 'operator') =>
    connectBus({ user, nats: natsSettings(server.url, credentialsPath(home, user)), log: silentLogger })

  beforeAll(async () => {
    await prepareNatsUsers(home, randomBytes(32).toString('base64'))
    await start()
  })
  afterAll(() => server.stop())

  it('keeps its passwords to its owner', () => {
    for (const name of ['users.conf', 'nats-server.conf', 'operator.json', 'core.json']) {
      expect(statSync(join(home, name)).mode & 0o777, name).toBe(0o600)
    }
  })

  it('lets nobody in without a password', async () => {
    expect(await mayConnect(server.port, 'core', 'guess')).toBe(false)
    expect(await mayConnect(server.port, '', '')).toBe(false)
  })

  it('has its port written down, for the next start', async () => {
    expect(await natsPort(natsFiles(home))).toBe(server.port)
  })

  it('keeps its streams through kill -9', async () => {
    const before = await busOf('provision')
    await provision(before)
    await before.close()
    server.kill('SIGKILL')
    await server.exited
    await start()
    const after = await busOf('provision')
    const manager = await after.connection.jetstreamManager({ checkAPI: false })
    expect((await manager.streams.info('EVENTS')).config.subjects).toEqual(['event.>'])
    await after.close()
  })

  describe('with users from outside', () => {
    const permissions = { publish: ['svc.registry.v1.tag.list'], subscribe: ['_INBOX_reader.>'], allowResponses: false }
    let pass: string
    afterEach(() => expect(server.pid).toBeGreaterThan(0))

    it('lets a new one in at once, without a restart', async () => {
      const { pid } = server
      const added = await addNatsUser(home, { name: 'reader', permissions })
      pass = added.pass
      expect(await mayConnect(server.port, 'reader', pass)).toBe(true)
      expect(server.pid).toBe(pid)
      expect(await listNatsUsers(home)).toEqual([{ name: 'reader', permissions }])
    })

    it('refuses a name twice, the name of a part, and what is no name', async () => {
      await expect(addNatsUser(home, { name: 'reader', permissions })).rejects.toMatchObject({ code: 'CONFLICT' })
      await expect(addNatsUser(home, { name: 'core', permissions })).rejects.toMatchObject({ code: 'CONFLICT' })
      await expect(addNatsUser(home, { name: 'Not a name', permissions })).rejects.toMatchObject({
        code: 'BAD_REQUEST',
      })
    })

    it('still knows them after a restart', async () => {
      await server.stop()
      await start()
      expect(await mayConnect(server.port, 'reader', pass)).toBe(true)
    })

    it('keeps a removed one out at once', async () => {
      await removeNatsUser(home, 'reader')
      expect(await mayConnect(server.port, 'reader', pass)).toBe(false)
      await expect(removeNatsUser(home, 'reader')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })

    it('adds many at once and loses none', async () => {
      const names = Array.from({ length: 5 }, (_, at) => `many-${at}`)
      await Promise.all(names.map((name) => addNatsUser(home, { name, permissions })))
      expect((await listNatsUsers(home)).map((user) => user.name).toSorted()).toEqual(names)
    })
  })
})
