import { readdir, readFile } from 'node:fs/promises'

/** The processes of this machine: who started whom. */
export interface ProcessTree {
  isRunning(pid: number): boolean
  /** Proportional share of memory of a process and all it started, in bytes; undefined where we may not look. */
  memoryBytes(pid: number): Promise<number | undefined>
}

/** `apart` are counted on their own, not with whoever started them. Linux only: elsewhere nothing is seen. */
export async function readProcessTree(apart: ReadonlySet<number>): Promise<ProcessTree> {
  const parents = await readParents()
  const family = (pid: number): number[] => [
    pid,
    ...[...parents]
      .filter(([child, parent]) => parent === pid && !apart.has(child))
      .flatMap(([child]) => family(child)),
  ]
  return {
    isRunning: (pid) => parents.has(pid),
    memoryBytes: async (pid) => {
      if (!parents.has(pid)) return undefined
      const shares = await Promise.all(family(pid).map(shareOf))
      return shares.every((share) => share !== undefined) ? shares.reduce((sum, share) => sum + share, 0) : undefined
    },
  }
}

async function readParents(): Promise<Map<number, number>> {
  const parents = new Map<number, number>()
  const names = await readdir('/proc').catch(() => [])
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readOrNothing(`/proc/${name}/stat`)
    // The second field is the program's name in parentheses and may hold anything.
    const [state, parent] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? []
    if (state !== undefined && state !== 'Z') parents.set(Number(name), Number(parent))
  }
  return parents
}

async function shareOf(pid: number): Promise<number | undefined> {
  const rollup = await readOrNothing(`/proc/${pid}/smaps_rollup`)
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(rollup ?? '')?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}

/** A process may end, or belong to somebody else, between two looks. */
async function readOrNothing(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}
