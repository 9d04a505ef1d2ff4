import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { sleep } from './process.ts'

export interface ProcessFacts {
  pid: number
  parent: number
  /** Base name of the program's file, `postgres` or `nats-server`. */
  program: string
}

/** A process may end while it is looked at; its file is then gone. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw err
  }
}

/** All processes below `pid`, itself not counted. */
export async function descendants(pid: number): Promise<ProcessFacts[]> {
  const all: ProcessFacts[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readIfThere(`/proc/${name}/stat`)
    if (stat === undefined) continue
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    all.push({ pid: Number(name), parent, program: '' })
  }
  const found: ProcessFacts[] = []
  let parents = new Set([pid])
  while (parents.size > 0) {
    const children = all.filter((one) => parents.has(one.parent))
    found.push(...children)
    parents = new Set(children.map((one) => one.pid))
  }
  const named = await Promise.all(
    found.map(async (one) => {
      const program = await readlink(`/proc/${one.pid}/exe`).catch(() => '')
      return { ...one, program: basename(program) }
    }),
  )
  return named.filter((one) => one.program !== '')
}

export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readIfThere(`/proc/${pid}/stat`)
  return stat !== undefined && !/\) [ZX] /.test(stat)
}

/** Proportional set size of one process in bytes; undefined when it is gone. */
export async function pssBytes(pid: number): Promise<number | undefined> {
  const rollup = await readIfThere(`/proc/${pid}/smaps_rollup`)
  const found = rollup && /^Pss:\s+(\d+) kB/m.exec(rollup)
  return found ? Number(found[1]) * 1024 : undefined
}

/** User and system time of one process in seconds; undefined when it is gone. */
export async function cpuSeconds(pid: number): Promise<number | undefined> {
  const stat = await readIfThere(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

export interface Watched {
  name: string
  pid: number
}

export interface Peaks {
  /** Highest PSS seen per name, in bytes. */
  peakBytes: Map<string, number>
  samples: number
}

/** Samples PSS of what `list` names until the returned function is called; `each` gets every round's numbers. */
export function watchPss(
  list: () => Promise<Watched[]> | Watched[],
  everyMs = 200,
  each?: (bytes: number[]) => void,
): () => Promise<Peaks> {
  const peaks: Peaks = { peakBytes: new Map(), samples: 0 }
  let going = true
  const loop = (async () => {
    while (going) {
      const round: number[] = []
      for (const { name, pid } of await list()) {
        const bytes = await pssBytes(pid)
        if (bytes === undefined) continue
        round.push(bytes)
        peaks.peakBytes.set(name, Math.max(bytes, peaks.peakBytes.get(name) ?? 0))
      }
      peaks.samples += 1
      each?.(round)
      await sleep(everyMs)
    }
  })()
  return async () => {
    going = false
    await loop
    return peaks
  }
}
