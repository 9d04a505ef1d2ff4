import { silentLogger } from '@berth/runtime'
import { type ThrowAwayPostgres, throwAwayPostgres } from '@berth/testkit'
import { NO_POLICY, projectCreated } from '@berth/types'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  createOutboxTable,
  type Database,
  type Migration,
  migrate,
  openDatabase,
  startRelay,
  statement,
  tell,
} from './index.ts'

const first: Migration = {
  name: '20260101000000_first',
  up: async (knex) => {
    await knex.raw('CREATE TABLE sample.thing (id int CONSTRAINT thing_pkey PRIMARY KEY, name text NOT NULL)')
    await createOutboxTable(knex, 'sample')
  },
}
const second: Migration = {
  name: '20260102000000_second',
  up: (knex) => knex.raw('ALTER TABLE sample.thing ADD COLUMN size int NOT NULL DEFAULT 0'),
}

const insertThing = statement('insert-thing', 'INSERT INTO thing (id, name) VALUES ($1, $2)')
const findThing = statement<{ id: number; name: string }>('find-thing', 'SELECT id, name FROM thing WHERE id = $1')
const countOutbox = statement<{ n: number }>('count-outbox', 'SELECT count(*)::int AS n FROM outbox')

const project = {
  id: 1,
  name: 'library',
  kind: 'local',
  state: 'open',
  public: true,
  accessRevision: 0,
  quotaLimitBytes: -1,
  policy: NO_POLICY,
  revision: 1,
} as const

let postgres: ThrowAwayPostgres
let database: Database
let url: string

beforeAll(async () => {
  postgres = await throwAwayPostgres()
})
afterAll(() => postgres.stop())
beforeEach(async () => {
  url = await postgres.createDatabase()
  database = openDatabase({ url, service: 'sample', schema: 'sample', log: silentLogger })
})
afterEach(() => database.close())

const upToDate = () => migrate(database, { schema: 'sample', migrations: [first, second], log: silentLogger })

describe('migrations', () => {
  it('run once when several replicas start together', async () => {
    const others = [1, 2, 3].map(() => openDatabase({ url, service: 'sample', schema: 'sample', log: silentLogger }))
    await Promise.all(
      [database, ...others].map((each) =>
        migrate(each, { schema: 'sample', migrations: [second, first], log: silentLogger }),
      ),
    )
    await Promise.all(others.map((other) => other.close()))
    const { rows } = await database.knex.raw('SELECT name FROM migration ORDER BY id')
    expect(rows).toEqual([{ name: first.name }, { name: second.name }])
  })

  it('do not wait for the lock row of a process that was killed in the middle', async () => {
    await upToDate()
    await database.knex.raw('UPDATE migration_lock SET is_locked = 1')
    await upToDate()
  })
})

describe('a transaction', () => {
  it('leaves nothing behind when its work throws', async () => {
    await upToDate()
    const failing = database.transaction(async (tx) => {
      await tx.run(insertThing, [1, 'a'])
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await database.find(findThing, [1])).toBeUndefined()
  })

  it('tells what was committed only after the commit', async () => {
    await upToDate()
    const seen: unknown[] = []
    await database.transaction(async (tx) => {
      await tx.run(insertThing, [1, 'a'])
      tx.afterCommit(() => seen.push('committed'))
      expect(seen).toEqual([])
    })
    expect(seen).toEqual(['committed'])
  })

  it('is tried again after a deadlock', async () => {
    await upToDate()
    await database.run(insertThing, [1, 'a'])
    await database.run(insertThing, [2, 'b'])
    const rename = statement('rename-thing', 'UPDATE thing SET name = $2 WHERE id = $1')
    let arrived = 0
    let letGo: () => void = () => undefined
    const both = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const crossing = (one: number, other: number) =>
      database.transaction(async (tx) => {
        await tx.run(rename, [one, `${one}`])
        if (++arrived === 2) letGo()
        await both
        await tx.run(rename, [other, `${one}`])
      })
    await Promise.all([crossing(1, 2), crossing(2, 1)])
    expect((await database.find(findThing, [1]))?.name).toBe((await database.find(findThing, [2]))?.name)
  })
})

describe('a Postgres that is away', () => {
  it('is answered with UNAVAILABLE and comes back by itself', async () => {
    await upToDate()
    const unreachable = openDatabase({
      url: 'postgres://nobody@127.0.0.1:1/none',
      service: 'sample',
      schema: 'sample',
      log: silentLogger,
    })
    await expect(unreachable.check()).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterSeconds: 5 })
    await unreachable.close()
    await database.knex.raw(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name = 'berth-sample'",
    )
    await database.check()
  })

  it('does not hold anybody while it is frozen', async () => {
    await upToDate()
    await database.check()
    const { rows } = await database.knex.raw("SELECT pid FROM pg_stat_activity WHERE application_name = 'berth-sample'")
    const pids = [postgres.pid, ...rows.map((row: { pid: number }) => row.pid)]
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    try {
      await expect(database.find(findThing, [1])).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT')
    }
    expect(await database.find(findThing, [1])).toBeUndefined()
  })

  it('waits for a statement that is only slow', async () => {
    const slow = statement<{ n: number }>('slow', 'SELECT 7 AS n FROM pg_sleep(1.2)')
    expect(await database.find(slow)).toEqual({ n: 7 })
  })
})

describe('the outbox', () => {
  const publishInto = (out: string[]) => async (row: { messageId: string; payload: string }) => {
    out.push(`${row.messageId} ${JSON.parse(row.payload).data.project.name}`)
  }
  const told = (name: string) =>
    database.transaction((tx) =>
      tell(tx, projectCreated, { revision: 1, actor: 'admin', data: { project: { ...project, name } } }),
    )
  const emptied = async () => {
    for (let i = 0; i < 200; i++) {
      if ((await database.find(countOutbox))?.n === 0) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error('the outbox was not emptied')
  }

  it('is published in the order of its rows, by one relay of several, and emptied', async () => {
    await upToDate()
    const out: string[] = []
    const relays = [1, 2].map(() =>
      startRelay({ database, schema: 'sample', publish: publishInto(out), log: silentLogger }),
    )
    for (const name of ['a', 'b', 'c']) await told(name)
    await emptied()
    await Promise.all(relays.map((relay) => relay.stop()))
    expect(out).toEqual(['sample:1 a', 'sample:2 b', 'sample:3 c'])
  })

  it('keeps what could not be published and everything after it', async () => {
    await upToDate()
    for (const name of ['a', 'b', 'c']) await told(name)
    const out: string[] = []
    let down = true
    const relay = startRelay({
      database,
      schema: 'sample',
      log: silentLogger,
      publish: async (row) => {
        if (down && row.messageId === 'sample:2') throw new Error('away')
        await publishInto(out)(row)
      },
    })
    while ((await database.find(countOutbox))?.n !== 2) await new Promise((resolve) => setTimeout(resolve, 20))
    down = false
    await emptied()
    await relay.stop()
    expect(out.filter((line) => line === 'sample:2 b')).toHaveLength(1)
    expect(out.at(0)).toBe('sample:1 a')
  })

  it('refuses an event whose data does not fit', async () => {
    await upToDate()
    const wrong = database.transaction((tx) =>
      tell(tx, projectCreated, { revision: 1, data: { project: { ...project, id: -1 } } }),
    )
    await expect(wrong).rejects.toThrow()
    expect((await database.find(countOutbox))?.n).toBe(0)
  })
})
