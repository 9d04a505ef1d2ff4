import { mebibytes, median } from '../src/figures.ts'
import { cpuSeconds, type Watched, watchPss } from '../src/proc.ts'
import { profileServices, type ServiceProfile } from './profile.ts'

/** Somebody who is measured: where it is asked, with what credential, and which processes it is. */
export interface Contender {
  name: string
  base: string
  /** Asked for anew before each run, because tokens end; good for these repositories, else for the bench's own. */
  headers(repositories?: readonly string[]): Promise<Record<string, string>>
  pids(): Promise<Watched[]>
  /** How often a blob is on the disk. */
  copies(digest: string): Promise<number>
  /** Takes a blob off the disk. */
  forget(digest: string): Promise<void>
  /** Its processes by name, when they can be looked into. */
  services?(): Promise<Watched[]>
}

/** What a run asks: a credential in hand, so that only the work is measured. */
export interface Target extends Pick<Contender, 'name' | 'base' | 'copies' | 'forget'> {
  headers: Record<string, string>
}

export interface Measured {
  rate: number
  /** Highest sum of PSS over all its processes, and the highest of one of them. */
  peakMiB: number
  peakOfOneMiB: number
  cpuSeconds: number
}

export interface Row {
  id: string
  work: string
  unit: string
  ours: Measured
  peer?: Measured & { name: string }
  /** Ours by the peer's; absent without a peer. */
  ratio?: number
  reach: string
  verdict: 'reached' | 'missed'
  /** What our processes did, where the reach was missed. */
  profiles?: ServiceProfile[]
}

/** Does the work and answers the rate. */
export type Run = (target: Target) => Promise<number>

async function targetOf(one: Contender, repositories?: readonly string[]): Promise<Target> {
  const { name, base, copies, forget } = one
  return { name, base, copies, forget, headers: await one.headers(repositories) }
}

/** Runs `run` once and looks at the processes the contender has then; finding them is not part of what is measured. */
async function measure(contender: Contender, run: Run, repositories?: readonly string[]): Promise<Measured> {
  const target = await targetOf(contender, repositories)
  const watched = await contender.pids()
  let peak = 0
  let peakOfOne = 0
  const note = (now: number[]): void => {
    const sum = now.reduce((total, bytes) => total + bytes, 0)
    peak = Math.max(peak, sum)
    peakOfOne = Math.max(peakOfOne, ...now)
  }
  const before = await cpu(watched)
  const stop = watchPss(() => watched, 500, note)
  let rate: number
  try {
    rate = await run(target)
  } finally {
    await stop()
  }
  const after = await cpu(watched)
  // Those that ended meanwhile have taken what they used with them.
  const used = [...after].reduce((sum, [pid, seconds]) => sum + seconds - (before.get(pid) ?? seconds), 0)
  return { rate, peakMiB: mebibytes(peak), peakOfOneMiB: mebibytes(peakOfOne), cpuSeconds: used }
}

/** One run of ours alone. */
export const measureOurs = (ours: Contender, run: Run): Promise<Measured> => measure(ours, run)

async function cpu(watched: readonly Watched[]): Promise<Map<number, number>> {
  const seconds = new Map<number, number>()
  for (const { pid } of watched) {
    const used = await cpuSeconds(pid)
    if (used !== undefined) seconds.set(pid, used)
  }
  return seconds
}

export interface Comparison {
  id: string
  work: string
  unit: string
  ours: Contender
  peer: Contender
  repeats: number
  /** Ratio to the peer that is wanted. */
  reach: number
  run: Run
  /** What the credential must be good for. */
  repositories?: readonly string[]
}

/**
 * A run of each that does not count, then ours and theirs in turn; medians. A missed row is looked into once more. A
 * single repeat is taken as it is, without either.
 */
export async function compare(wish: Comparison): Promise<Row> {
  const { id, work, unit, run, repositories } = wish
  const ours: Measured[] = []
  const peer: Measured[] = []
  if (wish.repeats > 1) for (const one of [wish.ours, wish.peer]) await run(await targetOf(one, repositories))
  for (let n = 0; n < wish.repeats; n += 1) {
    ours.push(await measure(wish.ours, run, repositories))
    peer.push(await measure(wish.peer, run, repositories))
  }
  const row = { ours: middle(ours), peer: { ...middle(peer), name: wish.peer.name } }
  const ratio = row.ours.rate / row.peer.rate
  const verdict = ratio >= wish.reach ? 'reached' : 'missed'
  process.stderr.write(`${id} ${work}: ${ratio.toFixed(2)} × ${wish.peer.name}, ${verdict}\n`)
  const target = await targetOf(wish.ours, repositories)
  const isLookedInto = verdict === 'missed' && wish.repeats > 1
  const profiles = isLookedInto ? await profileServices(wish.ours, () => run(target)) : undefined
  return { id, work, unit, ...row, ratio, reach: `≥ ${wish.reach.toFixed(1)} ×`, verdict, profiles }
}

export function middle(runs: readonly Measured[]): Measured {
  return {
    rate: median(runs.map((run) => run.rate)),
    peakMiB: Math.max(...runs.map((run) => run.peakMiB)),
    peakOfOneMiB: Math.max(...runs.map((run) => run.peakOfOneMiB)),
    cpuSeconds: median(runs.map((run) => run.cpuSeconds)),
  }
}
