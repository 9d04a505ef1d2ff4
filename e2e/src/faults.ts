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
