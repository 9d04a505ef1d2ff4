import { accessSync, constants } from 'node:fs'
import { SERVICES, settingPrefix } from '@berth/types'
import { EXIT, StartRefused } from './start-refused.ts'

const PREFIXES = SERVICES.map(settingPrefix)
const DATABASE_URLS = PREFIXES.map((prefix) => `${prefix}_DATABASE_URL`)
const NATS_CREDS = [...PREFIXES, 'BERTH_PROVISION', 'BERTH_SUPERVISOR'].map((prefix) => `${prefix}_NATS_CREDS`)
const DECIDED =
  /^BERTH_(?:REPLICA|[A-Z_]+_LISTEN|REGISTRY_ROOT|LOG_COLLECTOR_DIR|CORE_ADMIN_PASSWORD_FILE|GATEWAY_(?:[A-Z_]+_URLS|TLS_DIR|REUSE_PORT))$/

/**
 * Checks the accounts parts have of their own on a Postgres or NATS of somebody else.
 *
 * @throws {StartRefused} exit code 2: the server they are for is not named, or a file of credentials cannot be read
 */
export function checkAccountsOfParts(env: NodeJS.ProcessEnv): void {
  const lonely =
    (!env.DATABASE_URL && DATABASE_URLS.find((name) => env[name])) ||
    (!env.NATS_URL && NATS_CREDS.find((name) => env[name]))
  if (lonely) {
    const server = lonely.endsWith('_NATS_CREDS') ? 'NATS_URL' : 'DATABASE_URL'
    throw new StartRefused(EXIT.wrongSetting, `is of use with ${server} alone, which is not set`, lonely)
  }
  for (const name of NATS_CREDS) if (env[name]) checkReadable(name, env[name])
}

/** @throws {StartRefused} exit code 2 */
export function checkReadable(name: string, path: string): void {
  try {
    accessSync(path, constants.R_OK)
  } catch {
    throw new StartRefused(EXIT.wrongSetting, `cannot read ${path}`, name)
  }
}

/** Whether a service run alone would read it, while here the supervisor decides what it is. */
export function isDecidedHere(name: string): boolean {
  return DECIDED.test(name)
}
