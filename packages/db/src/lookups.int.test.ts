import { Unavailable } from '@berth/errors'
import { silentLogger } from '@berth/runtime'
import { type ThrowAwayPostgres, throwAwayPostgres } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, lookup, openDatabase, type Queries, statement } from './index.ts'

const findThing = statement<{ id: number; name: string }>(
  'lookup-thing',
  'SELECT id, name FROM thing WHERE name = $1 AND id / $2 >= 0',
)
const rename = statement('lookup-rename', 'UPDATE thing SET name = $2 WHERE name = $1')

let postgres: ThrowAwayPostgres
let database: Database

beforeAll(async () => {
  postgres = await throwAwayPostgres()
  const url = await postgres.createDatabase()
  database = openDatabase({ url, service: 'sample', schema: 'public', log: silentLogger })
  await database.knex.raw(
    'CREATE TABLE thing (id int CONSTRAINT thing_pkey PRIMARY KEY, name text COLLATE "C" NOT NULL)',
  )
  await database.knex.raw(`INSERT INTO thing SELECT n, 'thing ' || n FROM generate_series(1, 1000) n`)
})
afterAll(async () => {
  await database.close()
  await postgres.stop()
})

/** Counts the statements that reach Postgres. */
function counted(): { queries: Queries; names: string[] } {
  const names: string[] = []
  return {
    names,
    queries: {
      run: (what, values) => {
        names.push(what.name)
        return database.run(what, values)
      },
      find: (what, values) => {
        names.push(what.name)
        return database.find(what, values)
      },
    },
  }
}

describe('look-ups wanted at once', () => {
  it('each find their own row, or none, in a few statements', async () => {
    const { queries, names } = counted()
    const find = lookup(queries, findThing, ['text', 'int'])
    const wanted = Array.from({ length: 900 }, (_, n) => 2 * n)
    const rows = await Promise.all(wanted.map((n) => find([`thing ${n}`, 1])))
    expect(rows.map((row) => row?.id)).toEqual(wanted.map((n) => (n > 0 && n <= 1000 ? n : undefined)))
    expect(names.length).toBeLessThan(10)
  })

  it('see what was true when they were wanted, or later', async () => {
    const find = lookup(database, findThing, ['text', 'int'])
    const early = Array.from({ length: 20 }, () => find(['thing 7', 1]))
    await database.run(rename, ['thing 7', 'seven'])
    expect(await Promise.all(Array.from({ length: 20 }, () => find(['thing 7', 1])))).toEqual(Array(20).fill(undefined))
    expect((await find(['seven', 1]))?.id).toBe(7)
    await Promise.all(early)
  })

  it('do not fail with one that is wrong', async () => {
    const find = lookup(database, findThing, ['text', 'int'])
    const outcomes = await Promise.allSettled([1, 1, 1, 0, 1, 1].map((n) => find(['thing 3', n])))
    expect(outcomes.map(({ status }) => status)).toEqual(
      [1, 1, 1, 0, 1, 1].map((n) => (n === 0 ? 'rejected' : 'fulfilled')),
    )
  })

  it('are told together that Postgres is away, each once', async () => {
    const away: Queries = {
      run: () => Promise.reject(new Unavailable('away')),
      find: () => Promise.reject(new Unavailable('away')),
    }
    const find = lookup(away, findThing, ['text', 'int'])
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => find(['thing 3', 1])))
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'UNAVAILABLE' } })
  })
})
