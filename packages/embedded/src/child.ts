import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { guardian } from './guardian.ts'
import { eachLine } from './lines.ts'
import type { OsUser } from './os-user.ts'

export interface ChildOptions {
  command: string
  args: readonly string[]
  env: NodeJS.ProcessEnv
  cwd?: string
  user?: OsUser
  /** How the guardian ends it if we are killed. */
  orphanSignal: 'INT' | 'TERM' | 'KILL'
  onLine: (line: string, stream: 'stdout' | 'stderr') => void
}

export interface ExitOf {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A running child in a process group of its own, so that a Ctrl-C on our terminal does not reach it past us. */
export interface Child {
  readonly pid: number
  /** Resolves when it has ended; never rejects. */
  readonly exited: Promise<ExitOf>
  readonly isRunning: boolean
  kill(signal: NodeJS.Signals): void
  /** Sends each signal in turn, waiting `ms` after each; resolves when it has ended. */
  stop(steps: readonly { signal: NodeJS.Signals; ms: number }[]): Promise<ExitOf>
}

/** @throws what `spawn` says when the program cannot be run at all */
export async function startChild(options: ChildOptions): Promise<Child> {
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    detached: true,
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.user && { uid: options.user.uid, gid: options.user.gid }),
  })
  eachLine(child.stdout, (line) => options.onLine(line, 'stdout'))
  eachLine(child.stderr, (line) => options.onLine(line, 'stderr'))
  const exited = exitOf(child)
  await once(child, 'spawn')
  const pid = child.pid as number
  guardian().keep(pid, options.orphanSignal)
  void exited.then(() => guardian().drop(pid))
  const isRunning = () => child.exitCode === null && child.signalCode === null
  return {
    pid,
    exited,
    get isRunning() {
      return isRunning()
    },
    kill: (signal) => {
      if (isRunning()) child.kill(signal)
    },
    async stop(steps) {
      for (const { signal, ms } of steps) {
        if (!isRunning()) break
        child.kill(signal)
        await endedWithin(exited, ms)
      }
      return exited
    },
  }
}

function exitOf(child: ChildProcess): Promise<ExitOf> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
}

async function endedWithin(exited: Promise<unknown>, ms: number): Promise<void> {
  const timer = new AbortController()
  await Promise.race([exited, sleep(ms, undefined, { signal: timer.signal }).catch(() => undefined)])
  timer.abort()
}
