import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { OsUser } from './os-user.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'
import { writePrivateFile } from './private-file.ts'
import { EXIT, StartRefused } from './start-refused.ts'

export const SUPERUSER = 'berth_admin'
const HBA = 'host all all 127.0.0.1/32 scram-sha-256\n'
const run = promisify(execFile)

/** What Postgres needs of the environment: nothing of ours, least of all secrets. */
export const POSTGRES_ENV = { LC_ALL: 'C', LANG: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' }

export interface ClusterOptions {
  /** Directory for Postgres alone; made when absent. */
  home: string
  binaries: PostgresBinaries
  user?: OsUser
  superuserPassword: string
  durable: boolean
}

/** Makes the cluster on first start, whole or not at all, and answers where it is. */
export async function prepareCluster(options: ClusterOptions): Promise<{ cluster: string; isNew: boolean }> {
  const { home, binaries, user } = options
  await mkdir(home, { recursive: true, mode: 0o700 })
  if (user) await chown(home, user.uid, user.gid)
  const cluster = join(home, 'cluster')
  const version = await clusterVersion(cluster)
  if (version !== undefined && version !== binaries.major) {
    throw new StartRefused(
      EXIT.missingPart,
      `the data was written by Postgres ${version}, the program is Postgres ${binaries.major}`,
      cluster,
    )
  }
  if (version === undefined) await initialise(cluster, options)
  await writePrivateFile(join(cluster, 'pg_hba.conf'), HBA)
  if (user) await chown(join(cluster, 'pg_hba.conf'), user.uid, user.gid)
  return { cluster, isNew: version === undefined }
}

async function clusterVersion(cluster: string): Promise<number | undefined> {
  try {
    return Number((await readFile(join(cluster, 'PG_VERSION'), 'utf8')).trim())
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw err
  }
}

async function initialise(cluster: string, options: ClusterOptions): Promise<void> {
  const { home, binaries, user } = options
  const draft = `${cluster}.new`
  const passwordFile = join(home, `password.${randomBytes(4).toString('hex')}`)
  await rm(draft, { recursive: true, force: true })
  await writePrivateFile(passwordFile, `${options.superuserPassword}\n`)
  if (user) await chown(passwordFile, user.uid, user.gid)
  const args = ['-D', draft, '-U', SUPERUSER, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8']
  // Sorting that no upgrade of the system's libraries can change under an index.
  args.push(...(binaries.major >= 17 ? ['--locale-provider=builtin', '--locale=C.UTF-8'] : ['--locale=C']))
  if (!options.durable) args.push('--no-sync')
  try {
    await run(binaries.initdb, args, { env: POSTGRES_ENV, cwd: '/', ...(user && { uid: user.uid, gid: user.gid }) })
    await rename(draft, cluster)
  } catch (err) {
    const said = (err as { stderr?: string }).stderr?.trim().split('\n').at(-1)
    throw new Error(`initdb failed: ${said ?? (err as Error).message}`, { cause: err })
  } finally {
    await rm(passwordFile, { force: true })
  }
}

/** Server settings, as `-c` arguments: private, small, and safe against a power cut unless told otherwise. */
export function serverArgs(cluster: string, port: number, major: number, durable: boolean): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '64MB',
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_logical_replication_workers: '0',
    max_wal_size: '512MB',
    jit: 'off',
    max_worker_processes: '4',
    max_parallel_workers_per_gather: '1',
    lc_messages: 'C',
    log_timezone: 'UTC',
    log_destination: 'stderr',
    logging_collector: 'off',
    log_checkpoints: 'off',
    log_line_prefix: '',
    idle_in_transaction_session_timeout: '60s',
    ...(major >= 18 && { io_method: 'sync' }),
    ...(!durable && { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  return ['-D', cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}

/** The first and the last line of `postmaster.pid`: whose it is and whether it answers queries. */
export async function readPostmaster(cluster: string): Promise<{ pid: number; isReady: boolean } | undefined> {
  try {
    const lines = (await readFile(join(cluster, 'postmaster.pid'), 'utf8')).split('\n')
    return { pid: Number(lines[0]), isReady: lines[7]?.trim() === 'ready' }
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw err
  }
}
