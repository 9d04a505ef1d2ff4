import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type RunningPostgres, startPostgres } from '@berth/embedded'
import pg from 'pg'
import { tempDir } from './temp-dir.ts'

export interface ThrowAwayPostgres extends Omit<RunningPostgres, 'url'> {
  /** Of an empty database `berth`, as superuser. */
  url: string
  /** Of any database as any user. */
  urlOf: RunningPostgres['url']
  /** Makes an empty database and answers its URL as superuser: a fresh start for one test. */
  createDatabase(name?: string): Promise<string>
  /** Stops the server and removes its files. */
  stop(): Promise<void>
}

/** A real Postgres on a random port with nothing in it; gone with `stop()` or with the test process. */
export async function throwAwayPostgres(options: { onLine?: (line: string) => void } = {}): Promise<ThrowAwayPostgres> {
  const dir = await tempDir('postgres')
  const superuserPassword = randomBytes(18).toString('base64url')
  const server = await startPostgres({
    home: join(dir.path, 'postgres'),
    superuserPassword,
    durable: false,
    ...options,
  })
  const createDatabase = async (name = `test_${randomBytes(6).toString('hex')}`) => {
    const client = new pg.Client({ connectionString: server.url('postgres') })
    await client.connect()
    try {
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`)
    } finally {
      await client.end()
    }
    return server.url(name)
  }
  return {
    ...server,
    url: await createDatabase('berth'),
    urlOf: server.url,
    createDatabase,
    async stop() {
      await server.stop()
      await dir.remove()
    },
  }
}
