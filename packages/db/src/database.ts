import { Unavailable } from '@berth/errors'
import { Gauge, type Logger, type Registry } from '@berth/runtime'
import knexFactory, { type Knex } from 'knex'
import pg from 'pg'
import { createPatience } from './patience.ts'
import { isUnreachable } from './pg-errors.ts'

/** A statement the server parses once for each connection. `values` are `$1`, `$2`, … */
export interface Statement<Row> {
  readonly name: string
  readonly text: string
  /** Never set; carries the type of a row. */
  readonly row?: Row
}

/** `name` must be unique in a process: the server keeps the plan under it. */
export function statement<Row>(name: string, text: string): Statement<Row> {
  return { name, text }
}

/** What runs statements: the pool itself or a transaction of it. */
export interface Queries {
  run<Row>(statement: Statement<Row>, values?: readonly unknown[]): Promise<Row[]>
  /** The first row, if any. */
  find<Row>(statement: Statement<Row>, values?: readonly unknown[]): Promise<Row | undefined>
}

export interface Transaction extends Queries {
  /** Runs once the transaction has been committed. */
  afterCommit(work: () => void): void
}

export interface Database extends Queries {
  /** For what is not hot; shares nothing with the pool of statements but the URL. */
  readonly knex: Knex
  /**
   * One transaction on one connection; committed when `work` resolves, rolled back when it throws. Nothing inside may
   * wait for anybody but Postgres. A serialisation failure or deadlock is tried again, twice.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /** A connection of its own, outside the pool: for advisory locks that live as long as it does. */
  connect(): Promise<pg.Client>
  /** Throws {Unavailable} when Postgres does not answer. */
  check(): Promise<void>
  close(): Promise<void>
}

const CONNECT_MS = 5_000
const PROBE_MS = 400
const QUERY_MS = 60_000
const RETRIED = new Set(['40001', '40P01'])

// bigint columns hold ids and byte counts; all of ours stay far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)

/** @throws {Unavailable} from every method while Postgres cannot be reached; it recovers by itself */
export function openDatabase(options: {
  url: string
  service: string
  schema: string
  log: Logger
  metrics?: Registry
  maxConnections?: number
}): Database {
  const { url, service, schema, log, metrics, maxConnections = 12 } = options
  const connection = {
    connectionString: url,
    application_name: `berth-${service}`,
    options: `-c search_path=${schema}`,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
    keepAlive: true,
  }
  const pool = new pg.Pool({ ...connection, max: maxConnections, idleTimeoutMillis: 60_000 })
  pool.on('error', (err) => log.warn('an idle connection to Postgres was lost', { err }))
  if (metrics) measure(pool, metrics)
  let knex: Knex | undefined

  const patient = createPatience(async () => {
    const client = new pg.Client({ ...connection, connectionTimeoutMillis: PROBE_MS, query_timeout: PROBE_MS })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query('SELECT 1')
    } finally {
      client.end().catch(() => undefined)
    }
  })

  async function translated<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await patient(work())
    } catch (err) {
      if (isUnreachable(err)) throw new Unavailable('the database cannot be reached', { cause: err })
      throw err
    }
  }

  async function once<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const client = await pool.connect()
    const after: (() => void)[] = []
    let broken: Error | undefined
    try {
      await client.query('BEGIN')
      const result = await work({ ...queriesOn(client), afterCommit: (done) => void after.push(done) })
      await client.query('COMMIT')
      for (const done of after) done()
      return result
    } catch (err) {
      await client.query('ROLLBACK').catch((failed: Error) => {
        broken = failed
      })
      throw err
    } finally {
      client.release(broken)
    }
  }

  const direct = queriesOn(pool)
  return {
    run: (what, values) => translated(() => direct.run(what, values)),
    find: (what, values) => translated(() => direct.find(what, values)),
    transaction: (work) =>
      translated(async () => {
        for (let attempt = 1; ; attempt++) {
          try {
            return await once(work)
          } catch (err) {
            if (attempt === 3 || !RETRIED.has(String((err as { code?: unknown }).code))) throw err
          }
        }
      }),
    get knex() {
      knex ??= knexFactory({
        client: 'pg',
        connection,
        searchPath: [schema],
        pool: { min: 0, max: 6 },
        acquireConnectionTimeout: 2_000,
      })
      return knex
    },
    connect: () =>
      translated(async () => {
        const client = new pg.Client({ ...connection, query_timeout: undefined })
        // Without a listener a lost connection would end the process; the next query on it fails anyway.
        client.on('error', (err) => log.warn('a connection to Postgres was lost', { err }))
        await client.connect()
        return client
      }),
    check: () => translated(async () => void (await pool.query('SELECT 1'))),
    close: async () => {
      await Promise.all([pool.end(), knex?.destroy()])
    },
  }
}

function queriesOn(client: pg.Pool | pg.PoolClient): Queries {
  const run = async <Row>({ name, text }: Statement<Row>, values: readonly unknown[] = []) => {
    const result = await client.query({ name, text, values: [...values] })
    return result.rows as Row[]
  }
  return { run, find: async (what, values) => (await run(what, values))[0] }
}

function measure(pool: pg.Pool, metrics: Registry): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [metrics],
      collect: function collect() {
        this.set(read())
      },
    })
  gauge('berth_db_connections', 'Connections to Postgres', () => pool.totalCount)
  gauge('berth_db_connections_idle', 'Connections nobody uses just now', () => pool.idleCount)
  gauge('berth_db_waiters', 'Callers waiting for a connection', () => pool.waitingCount)
}
