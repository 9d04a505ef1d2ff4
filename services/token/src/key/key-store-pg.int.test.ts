import { type Database, migrate, openDatabase } from '@berth/db'
import { silentLogger } from '@berth/runtime'
import { type ThrowAwayPostgres, throwAwayPostgres } from '@berth/testkit'
import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { migrations } from '../../migrations/index.ts'
import { keyStoreContract } from './key-store.contract.ts'
import { keyStorePg } from './key-store-pg.ts'

let postgres: ThrowAwayPostgres
const opened: Database[] = []

beforeAll(async () => {
  postgres = await throwAwayPostgres()
})
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close()
})
afterAll(() => postgres.stop())

describe('keys in Postgres', () =>
  keyStoreContract(async () => {
    const url = await postgres.createDatabase()
    const database = openDatabase({ url, service: 'token', schema: 'token', log: silentLogger })
    opened.push(database)
    await migrate(database, { schema: 'token', migrations, log: silentLogger })
    return keyStorePg(database)
  }))
