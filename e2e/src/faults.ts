import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Tools } from '../tools/install.ts'
import { isAlive } from './proc.ts'
import { sleep } from './process.ts'
import type { Suite } from './suite.ts'

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ESRCH') throw err
  }
}

/** Kills what `find` finds and whatever is started in its place, until released. Returns how often it killed. */
export async function holdDead(find: () => Promise<number[]>): Promise<() => Promise<number>> {
  let kills = 0
  let going = true
  const killAll = async (): Promise<void> => {
    for (const pid of await find()) {
      if (!(await isAlive(pid))) continue
      signal(pid, 'SIGKILL')
      kills += 1
    }
  }
  await killAll()
  if (kills === 0) throw new Error('nothing to kill was found')
  const loop = (async () => {
    while (going) {
      await sleep(50)
      await killAll()
    }
  })()
  return async () => {
    going = false
    await loop
    return kills
  }
}

/** Stops what `find` finds with SIGSTOP until thawed. */
export async function freeze(find: () => Promise<number[]>): Promise<() => void> {
  const pids = await find()
  if (pids.length === 0) throw new Error('nothing to freeze was found')
  for (const pid of pids) signal(pid, 'SIGSTOP')
  return () => {
    for (const pid of pids) signal(pid, 'SIGCONT')
  }
}

/**
 * Kills Postgres or NATS, all their processes, and holds the port without listening on it, so that whoever connects is
 * refused and what is started in its place cannot begin. Returns what lets it come back.
 */
export async function holdDown(suite: Suite, tools: Tools, part: 'postgres' | 'nats'): Promise<() => Promise<void>> {
  const found = (await suite.file()).parts.find((one) => one.name === part)
  if (!found) throw new Error(`suite.json names no ${part}`)
  for (const pid of await programs(suite, PROGRAM[part])()) signal(pid, 'SIGKILL')
  const holder = spawn('perl', ['-e', HOLD_PORT, String(found.port)], {
    env: tools.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(holder, 'exit')
  const [first] = await Promise.race([once(holder.stdout, 'data'), ended])
  if (String(first).trim() !== 'held') throw new Error(`the port of ${part} could not be held`)
  return async () => {
    holder.stdin.end()
    await ended
  }
}

const PROGRAM = { postgres: 'postgres', nats: 'nats-server' } as const

/** Node can only bind a port by listening on it. Without SO_REUSEADDR on ours nobody else can bind it either. */
const HOLD_PORT = `
use Socket;
socket(my $s, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1) or die "setsockopt: $!";
for (1..50) { last if bind($s, sockaddr_in($ARGV[0], inet_aton("127.0.0.1"))); die "bind: $!" if $_ == 50; select(undef, undef, undef, 0.01) }
setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 0) or die "setsockopt: $!";
$| = 1; print "held\n"; <STDIN>;
`

/** Pids of a program the suite brought with it, `postgres` or `nats-server`. */
export const programs =
  (suite: Suite, program: string): (() => Promise<number[]>) =>
  async () =>
    (await suite.processes()).filter((one) => one.program === program).map((one) => one.pid)

/** Pids of a service, whichever replicas run now. */
export const service =
  (suite: Suite, name: string): (() => Promise<number[]>) =>
  () =>
    suite.pidsOf(name)
