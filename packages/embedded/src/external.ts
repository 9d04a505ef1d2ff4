import { DATABASE, withClient } from './database-roles.ts'
import { isNatsRecentEnough, OLDEST_NATS } from './nats-binary.ts'
import { natsInfo } from './nats-info.ts'
import { EXIT, StartRefused } from './start-refused.ts'

const PATIENCE_MS = 10_000
const OLDEST_POSTGRES = 14

/**
 * Asks the servers of somebody else whether they are there and new enough.
 *
 * @throws {StartRefused} exit code 5
 */
export async function checkExternalNats(urls: string): Promise<void> {
  const problems: string[] = []
  for (const text of urls.split(',')) {
    const url = new URL(text)
    // Over WebSocket the greeting comes after the handshake; the connection itself tells.
    if (url.protocol.startsWith('ws')) return
    const info = await natsInfo(url.hostname.replaceAll(/[[\]]/g, ''), Number(url.port || 4222), PATIENCE_MS)
    if (info && isNatsRecentEnough(info.version) && info.jetstream) return
    if (!info) problems.push(`no NATS server answers at ${url.host}`)
    else if (!isNatsRecentEnough(info.version))
      problems.push(`the NATS server at ${url.host} is ${info.version}, ${OLDEST_NATS} or newer is needed`)
    else problems.push(`the NATS server at ${url.host} has no JetStream`)
  }
  throw new StartRefused(EXIT.missingPart, problems.join(', '), 'NATS_URL')
}

export async function checkExternalDatabase(url: string): Promise<void> {
  let version: number
  try {
    version = await withClient(url, async (client) => {
      const { rows } = await client.query<{ server_version_num: string }>('SHOW server_version_num')
      return Math.floor(Number(rows[0]?.server_version_num) / 10_000)
    })
  } catch (err) {
    const { code, message } = err as NodeJS.ErrnoException
    throw new StartRefused(EXIT.missingPart, `Postgres does not let us in: ${message || code}`, 'DATABASE_URL', {
      cause: err,
    })
  }
  if (version >= OLDEST_POSTGRES) return
  throw new StartRefused(
    EXIT.missingPart,
    `Postgres is ${version}, ${OLDEST_POSTGRES} or newer is needed`,
    'DATABASE_URL',
  )
}

/** Name of the account in a database URL. */
export function userOf(url: string): string {
  return decodeURIComponent(new URL(url).username) || DATABASE
}
