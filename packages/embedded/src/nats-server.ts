import { mkdir, readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, type ExitOf, startChild } from './child.ts'
import { findNatsServer } from './nats-binary.ts'
import { type NatsAccount, renderNatsConfig } from './nats-config.ts'
import { natsInfo } from './nats-info.ts'
import { freePort } from './ports.ts'
import { writePrivateFile } from './private-file.ts'
import { commandOf, endProcess } from './processes.ts'

export interface NatsOptions {
  /** Directory for nats-server alone; made when absent. */
  home: string
  users: readonly NatsAccount[]
  /** A free one when absent. */
  port?: number
  onLine?: (line: string) => void
}

export interface RunningNats {
  readonly port: number
  readonly pid: number
  /** Without credentials. */
  readonly url: string
  readonly exited: Promise<ExitOf>
  /** Takes over another list of users without a restart; connections of removed users are closed by the server. */
  reload(users: readonly NatsAccount[]): Promise<void>
  stop(): Promise<void>
  kill(signal: NodeJS.Signals): void
}

const STOP_STEPS = [
  { signal: 'SIGINT', ms: 5_000 },
  { signal: 'SIGKILL', ms: 2_000 },
] as const
const PATIENCE_MS = 60_000

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
    const render = (users: readonly NatsAccount[]) => renderNatsConfig({ port, users, ...files })
    await writePrivateFile(files.config, render(options.users))
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
    if (await greets(child, port)) return running(child, port, files, render)
    if (!recent.some((line) => /address already in use/.test(line)) || tries >= 20) {
      const said = recent.findLast((line) => line.includes('[FTL]')) ?? recent.at(-1) ?? 'it ended without a word'
      throw new Error(`nats-server did not start: ${said}`)
    }
    await sleep(100)
  }
}

export interface NatsFiles {
  config: string
  pidFile: string
  /** nats-server makes `jetstream` in it. */
  storeDir: string
}

export function natsFiles(home: string): NatsFiles {
  return {
    config: join(home, 'nats-server.conf'),
    pidFile: join(home, 'nats-server.pid'),
    storeDir: home,
  }
}

function running(
  child: Child,
  port: number,
  files: NatsFiles,
  render: (users: readonly NatsAccount[]) => string,
): RunningNats {
  return {
    port,
    pid: child.pid,
    url: `nats://127.0.0.1:${port}`,
    exited: child.exited,
    async reload(users) {
      await writePrivateFile(files.config, render(users))
      child.kill('SIGHUP')
    },
    async stop() {
      await child.stop(STOP_STEPS)
      await rm(files.pidFile, { force: true })
    },
    kill: (signal) => child.kill(signal),
  }
}

async function greets(child: Child, port: number): Promise<boolean> {
  const until = Date.now() + PATIENCE_MS
  while (child.isRunning && Date.now() < until) {
    if (await natsInfo('127.0.0.1', port, 1_000)) return child.isRunning
    await Promise.race([sleep(10), child.exited])
  }
  await child.stop(STOP_STEPS)
  return false
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
  if (pid !== undefined) await endProcess(pid, STOP_STEPS)
  await rm(files.pidFile, { force: true })
}
