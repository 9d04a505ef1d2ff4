import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, type ExitOf, startChild } from './child.ts'
import { type OsUser, unprivilegedUser } from './os-user.ts'
import { freePort } from './ports.ts'
import { findPostgres, type PostgresBinaries } from './postgres-binaries.ts'
import { POSTGRES_ENV, prepareCluster, readPostmaster, SUPERUSER, serverArgs } from './postgres-cluster.ts'
import { commandOf, endProcess, isAlive } from './processes.ts'

export interface PostgresOptions {
  /** Directory for Postgres alone; made when absent. Root needs one that an ordinary account can reach. */
  home: string
  superuserPassword: string
  /** A free one when absent. */
  port?: number
  /** false: faster, and lost in a power cut. For tests. */
  durable?: boolean
  binaries?: PostgresBinaries
  user?: OsUser
  onLine?: (line: string) => void
  /** Gives up waiting and stops what was started. */
  signal?: AbortSignal
}

export interface RunningPostgres {
  readonly port: number
  readonly pid: number
  readonly superuser: string
  readonly isNew: boolean
  /** A connection URL for `database` as `user`, by default the superuser. */
  url(database?: string, user?: string, password?: string): string
  readonly exited: Promise<ExitOf>
  /** Lets go of every connection and writes a checkpoint; ends it harder when that takes longer than `ms`. */
  stop(ms?: number): Promise<void>
  kill(signal: NodeJS.Signals): void
}

const PATIENCE_MS = 300_000

function stopSteps(ms = 15_000) {
  return [
    { signal: 'SIGINT', ms },
    { signal: 'SIGQUIT', ms: Math.min(ms, 1_000) },
    { signal: 'SIGKILL', ms: 1_000 },
  ] as const
}

/** Starts Postgres on 127.0.0.1 alone, making its cluster first when there is none; resolves when it answers. */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const user = options.user ?? (await unprivilegedUser())
  const binaries = options.binaries ?? (await findPostgres(user))
  const durable = options.durable ?? true
  const { superuserPassword } = options
  const { cluster, isNew } = await prepareCluster({ home: options.home, binaries, user, superuserPassword, durable })
  await clearLeftovers(cluster)
  const start = async (port: number) =>
    startChild({
      command: binaries.postgres,
      args: serverArgs(cluster, port, binaries.major, durable),
      env: POSTGRES_ENV,
      cwd: '/',
      user,
      orphanSignal: 'INT',
      onLine: note,
    })
  const recent: string[] = []
  function note(line: string): void {
    recent.push(line)
    if (recent.length > 20) recent.shift()
    options.onLine?.(line)
  }
  for (let tries = 0; ; tries++) {
    const port = options.port ?? (await freePort())
    const child = await start(port)
    if (await becomesReady(child, cluster, options.signal)) return running(child, port, isNew, superuserPassword)
    options.signal?.throwIfAborted()
    const said = recent.findLast((line) => /^(FATAL|PANIC):/.test(line)) ?? recent.at(-1) ?? 'it ended without a word'
    const isPassing = /could not create any TCP|pre-existing shared memory block/.test(recent.join('\n'))
    if (!isPassing || tries >= 20) throw new Error(`Postgres did not start: ${said}`)
    recent.length = 0
    await sleep(250)
  }
}

function running(child: Child, port: number, isNew: boolean, superuserPassword: string): RunningPostgres {
  return {
    port,
    pid: child.pid,
    superuser: SUPERUSER,
    isNew,
    exited: child.exited,
    url: (database = 'postgres', name = SUPERUSER, password = superuserPassword) =>
      `postgres://${encodeURIComponent(name)}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`,
    stop: async (ms) => {
      await child.stop(stopSteps(ms))
    },
    kill: (signal) => child.kill(signal),
  }
}

/** After a crash it first replays its log, which may take minutes; it is given them as long as it lives. */
async function becomesReady(child: Child, cluster: string, signal?: AbortSignal): Promise<boolean> {
  const until = Date.now() + PATIENCE_MS
  while (child.isRunning && Date.now() < until && !signal?.aborted) {
    const postmaster = await readPostmaster(cluster)
    if (postmaster?.pid === child.pid && postmaster.isReady) return true
    await Promise.race([sleep(10), child.exited])
  }
  await child.stop(stopSteps())
  return false
}

/** A postmaster of an earlier life that still runs is ended; a pid file whose number went to somebody else is removed. */
async function clearLeftovers(cluster: string): Promise<void> {
  const left = await readPostmaster(cluster)
  if (!left || !isAlive(left.pid)) return
  const command = await commandOf(left.pid)
  if (command?.includes(cluster)) await endProcess(left.pid, stopSteps())
  else await rm(join(cluster, 'postmaster.pid'), { force: true })
}
