import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** The words of the command line of `pid`; undefined when there is no such process or it may not be read. */
export async function commandOf(pid: number): Promise<string[] | undefined> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1)
  } catch {
    return undefined
  }
}

/** Moment of its birth in clock ticks since boot: with the pid it names one process for ever. */
export async function birthOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in parentheses and may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (err) {
    return (err as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Ends a process that is not our child: each signal in turn, waiting `ms` after each for it to be gone. */
export async function endProcess(pid: number, steps: readonly { signal: NodeJS.Signals; ms: number }[]): Promise<void> {
  for (const { signal, ms } of steps) {
    if ((await birthOf(pid)) === undefined) return
    process.kill(pid, signal)
    for (let waited = 0; waited < ms && (await birthOf(pid)) !== undefined; waited += 50) await sleep(50)
  }
}
