import { mebibytes } from '../src/figures.ts'
import { cpuSeconds, descendants, type Watched, watchPss } from '../src/proc.ts'
import type { Measured } from './measure.ts'

type Used = Omit<Measured, 'rate'>

const sum = (values: Iterable<number>): number => [...values].reduce((total, each) => total + each, 0)

/**
 * Memory and CPU of all processes below this one until the returned function is called, and of those among them that
 * are not `known`: they have come meanwhile and may be gone again.
 */
export async function startMeter(known: ReadonlySet<number>): Promise<() => Promise<{ all: Used; anew: Used }>> {
  const first = new Map<number, number>()
  const last = new Map<number, number>()
  const isAnew = (pid: number): boolean => !known.has(pid)
  const peaks = { all: 0, allOne: 0, anew: 0, anewOne: 0 }
  let looked: Watched[] = []
  const look = async (): Promise<Watched[]> => {
    looked = (await descendants(process.pid)).map(({ pid, program }) => ({ name: program, pid }))
    for (const { pid } of looked) {
      const seconds = await cpuSeconds(pid)
      if (seconds === undefined) continue
      last.set(pid, seconds)
      if (!isAnew(pid) && !first.has(pid)) first.set(pid, seconds)
    }
    return looked
  }
  await look()
  const stopAll = watchPss(look, 500, (round) => {
    peaks.all = Math.max(peaks.all, sum(round))
    peaks.allOne = Math.max(peaks.allOne, ...round)
  })
  const stopAnew = watchPss(
    () => looked.filter(({ pid }) => isAnew(pid)),
    500,
    (round) => {
      peaks.anew = Math.max(peaks.anew, sum(round))
      peaks.anewOne = Math.max(peaks.anewOne, ...round)
    },
  )
  const cpuOf = (isWanted: (pid: number) => boolean): number =>
    sum([...last].map(([pid, seconds]) => (isWanted(pid) ? seconds - (first.get(pid) ?? 0) : 0)))
  return async () => {
    await Promise.all([stopAll(), stopAnew()])
    await look()
    const used = (peak: number, peakOfOne: number, seconds: number): Used => ({
      peakMiB: mebibytes(peak),
      peakOfOneMiB: mebibytes(peakOfOne),
      cpuSeconds: seconds,
    })
    return {
      all: used(
        peaks.all,
        peaks.allOne,
        cpuOf(() => true),
      ),
      anew: used(peaks.anew, peaks.anewOne, cpuOf(isAnew)),
    }
  }
}
