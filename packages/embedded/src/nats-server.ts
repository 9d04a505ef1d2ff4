import { mkdir, readFile, rm } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, type ExitOf, startChild } from './child.ts'
import { findNatsServer } from './nats-binary.ts'
import { type NatsAccount, renderNatsConfig, renderNatsUsers } from './nats-config.ts'
import { natsInfo } from './nats-info.ts'
import { freePort } from './ports.ts'
import { writePrivateFile } from './private-file.ts'
import { commandOf, endProcess } from './processes.ts'
import { readTrimmed } from './secrets.ts'

export interface NatsOptions {
  /** Directory for nats-server alone; made when absent. */
  home: string
  users: readonly NatsAccount[]
  /** A free one when absent. */
  port?: number
  onLine?: (line: string) => void
  /** Gives up waiting and stops what was started. */
  signal?: AbortSignal
}

export interface RunningNats {
  readonly port: number
  readonly pid: number
  /** Without credentials. */
  readonly url: string
  readonly exited: Promise<ExitOf>
  /** Takes over another list of users without a restart; connections of removed users are closed by the server. */
  reload(users: readonly NatsAccount[]): Promise<void>
  stop(ms?: number): Promise<void>
  kill(signal: NodeJS.Signals): void
}

const PATIENCE_MS = 60_000

function stopSteps(ms = 5_000) {
  return [
    { signal: 'SIGINT', ms },
    { signal: 'SIGKILL', ms: 1_000 },
  ] as const
}

/** Starts nats-server with JetStream on 127.0.0.1 alone; resolves when it greets. */
export async function startNats(options: NatsOptions): Promise<RunningNats> {
  const home = resolve(options.home)
  await mkdir(home, { recursive: true, mode: 0o700 })
  const files = natsFiles(home)
  await endLeftover(files)
  const { command } = await findNatsServer()
  const recent: string[] = []
  for (let tries = 0; ; tries++) {
    const port = options.port ?? (await freePort())
    await writePrivateFile(files.users, renderNatsUsers(options.users))
    await writePrivateFile(files.config, renderNatsConfig({ port, usersFile: basename(files.users), ...files }))
    const child = await startChild({
      command,
      args: ['-c', files.config],
      env: { PATH: '/usr/bin:/bin', TZ: 'UTC' },
      cwd: home,
      orphanSignal: 'TERM',
      onLine: (line) => {
        recent.push(line)
        if (recent.length > 20) recent.shift()
        options.onLine?.(line)
      },
    })
    if (await greets(child, port, options.signal)) return running(child, port, files)
    options.signal?.throwIfAborted()
    if (!recent.some((line) => /address already in use/.test(line)) || tries >= 20) {
      const said = recent.findLast((line) => line.includes('[FTL]')) ?? recent.at(-1) ?? 'it ended without a word'
      throw new Error(`nats-server did not start: ${said}`)
    }
    await sleep(100)
  }
}

export interface NatsFiles {
  config: string
  users: string
  pidFile: string
  /** nats-server makes `jetstream` in it. */
  storeDir: string
}

export function natsFiles(home: string): NatsFiles {
  return {
    config: join(home, 'nats-server.conf'),
    users: join(home, 'users.conf'),
    pidFile: join(home, 'nats-server.pid'),
    storeDir: home,
  }
}

function running(child: Child, port: number, files: NatsFiles): RunningNats {
  return {
    port,
    pid: child.pid,
    url: `nats://127.0.0.1:${port}`,
    exited: child.exited,
    async reload(users) {
      await writePrivateFile(files.users, renderNatsUsers(users))
      child.kill('SIGHUP')
    },
    async stop(ms) {
      await child.stop(stopSteps(ms))
      await rm(files.pidFile, { force: true })
    },
    kill: (signal) => child.kill(signal),
  }
}

async function greets(child: Child, port: number, signal?: AbortSignal): Promise<boolean> {
  const until = Date.now() + PATIENCE_MS
  while (child.isRunning && Date.now() < until && !signal?.aborted) {
    if (await natsInfo('127.0.0.1', port, 1_000)) return child.isRunning
    await Promise.race([sleep(10), child.exited])
  }
  await child.stop(stopSteps())
  return false
}

/** The port its configuration names: of the server that runs on these files, or ran last. */
export async function natsPort(files: NatsFiles): Promise<number | undefined> {
  const text = (await readTrimmed(files.config)) ?? ''
  return Number(/^listen: "127\.0\.0\.1:(\d+)"$/m.exec(text)?.[1]) || undefined
}

/** The pid of the nats-server that runs on these files, whoever started it. */
export async function natsPid(files: NatsFiles): Promise<number | undefined> {
  try {
    const pid = Number((await readFile(files.pidFile, 'utf8')).trim())
    return (await commandOf(pid))?.includes(files.config) ? pid : undefined
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw err
  }
}

async function endLeftover(files: NatsFiles): Promise<void> {
  const pid = await natsPid(files)
  if (pid !== undefined) await endProcess(pid, stopSteps())
  await rm(files.pidFile, { force: true })
}
