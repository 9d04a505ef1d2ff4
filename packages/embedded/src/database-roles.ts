import pg from 'pg'
import { SUPERUSER } from './postgres-cluster.ts'
import { scramVerifier } from './scram.ts'

/** The database of a suite. */
export const DATABASE = 'berth'

/** Who owns which schema; a later service with tables of its own joins this list. */
export const SCHEMA_OWNERS = [
  { service: 'core', role: 'berth_core', schema: 'core' },
  { service: 'registry', role: 'berth_registry', schema: 'registry' },
  { service: 'token', role: 'berth_token', schema: 'token' },
] as const

/** Kept in schema `public`, which everybody may read and nobody but the superuser may write. */
const EXTENSIONS = ['pg_trgm']

/**
 * Brings database, roles and schemas of our own Postgres to what they should be. Each role owns its schema and has no
 * right on another's, nor on other databases. Repeating it changes nothing but the stored form of the passwords.
 *
 * @param urlOf a superuser's URL of a database
 */
export async function provisionDatabase(
  urlOf: (database: string) => string,
  passwordOf: (role: string) => string,
): Promise<void> {
  await withClient(urlOf('postgres'), async (client) => {
    await makeRoles(client, passwordOf)
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE])
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`)
    for (const name of ['postgres', 'template1', DATABASE]) {
      await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`)
    }
  })
  await withClient(urlOf(DATABASE), async (client) => {
    await client.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC')
    for (const name of EXTENSIONS) await addExtension(client, name)
    for (const { role, schema } of SCHEMA_OWNERS) {
      await client.query(`GRANT CONNECT ON DATABASE ${DATABASE} TO ${role}`)
      await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema} AUTHORIZATION ${role}`)
      await client.query(`REVOKE ALL ON SCHEMA ${schema} FROM PUBLIC`)
    }
  })
}

async function makeRoles(client: pg.Client, passwordOf: (role: string) => string): Promise<void> {
  for (const role of [SUPERUSER, ...SCHEMA_OWNERS.map((owner) => owner.role)]) {
    const found = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role])
    if (found.rowCount === 0) await client.query(`CREATE ROLE ${role}`)
    const rights = role === SUPERUSER ? '' : 'LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS'
    const verifier = client.escapeLiteral(scramVerifier(passwordOf(role)))
    await client.query(`ALTER ROLE ${role} ${rights} PASSWORD ${verifier}`)
  }
}

async function addExtension(client: pg.Client, name: string): Promise<void> {
  const available = await client.query('SELECT 1 FROM pg_available_extensions WHERE name = $1', [name])
  if (available.rowCount === 1) await client.query(`CREATE EXTENSION IF NOT EXISTS ${name} SCHEMA public`)
}

/** Gives a role another password by way of `url`; where `url` no longer opens, it has it already. */
export async function changePassword(url: string, role: string, password: string): Promise<void> {
  try {
    await withClient(url, async (client) => {
      await client.query(`ALTER ROLE ${role} PASSWORD ${client.escapeLiteral(scramVerifier(password))}`)
    })
  } catch (err) {
    if ((err as { code?: unknown }).code !== '28P01') throw err
  }
}

/** Runs `work` on one connection and closes it. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, application_name: 'berth' })
  // A connection lost in between is reported by the statement that was running.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
