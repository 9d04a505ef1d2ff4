import { median } from '../src/figures.ts'
import type { Contender, Measured, Row } from './measure.ts'
import { measureOurs } from './measure.ts'
import { must, overWire } from './pushing.ts'
import { headerOf, type Wire } from './wire.ts'

/** The end may cost so much more than the start; the clock is no better on a shared machine. */
const MOST = 1.25

export interface Walk {
  id: string
  work: string
  ours: Contender
  /** Path and query of the first page. */
  path: string
  headers: Record<string, string>
  /** Pages that are due, so that a walk that stops early is noticed; or as many at least. */
  pages?: number
  leastPages?: number
  repeats: number
}

/** Follows `Link` to the end; milliseconds of each page. */
async function walk(wire: Wire, path: string, headers: Record<string, string>): Promise<number[]> {
  const took: number[] = []
  for (let next: string | undefined = path; next !== undefined; ) {
    const began = performance.now()
    const answer = must(await wire.ask('GET', next, headers), 200)
    took.push(performance.now() - began)
    const link: string | undefined = /<([^>]+)>/.exec(headerOf(answer, 'link') ?? '')?.[1]
    if (link === undefined) return took
    const url = new URL(link, 'http://127.0.0.1')
    next = `${url.pathname}${url.search}`
  }
  return took
}

/** Whether a page costs the same at the end as at the start: the last tenth by the first, and what a page takes. */
export async function walkRow({ id, work, ours, path, headers, pages, leastPages, repeats }: Walk): Promise<Row> {
  const starts: number[] = []
  const ends: number[] = []
  const measured: Measured[] = []
  await overWire(ours.base, async (wire) => {
    await walk(wire, path, headers)
    for (let n = 0; n < repeats; n += 1) {
      measured.push(
        await measureOurs(ours, async () => {
          const took = await walk(wire, path, headers)
          const isWhole = pages === undefined ? took.length >= (leastPages ?? 1) : took.length === pages
          if (!isWhole) throw new Error(`${work}: ${took.length} pages instead of ${pages ?? leastPages}`)
          const part = Math.max(1, Math.floor(took.length / 10))
          starts.push(median(took.slice(0, part)))
          ends.push(median(took.slice(-part)))
          return median(took)
        }),
      )
    }
  })
  const ratio = median(ends) / median(starts)
  const [first] = measured
  if (!first) throw new Error('nothing was measured')
  return {
    id,
    work: `${work}: the last pages by the first`,
    unit: 'ms a page',
    ours: { ...first, rate: median(ends) },
    peer: { name: 'first pages', rate: median(starts), peakMiB: 0, peakOfOneMiB: 0, cpuSeconds: 0 },
    ratio,
    reach: `≤ ${MOST} ×`,
    verdict: ratio <= MOST ? 'reached' : 'missed',
  }
}

/** Runs `each` for 0 to `count` - 1, on eight connections. */
export async function onEight(
  base: string,
  count: number,
  each: (wire: Wire, n: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = () =>
    overWire(base, async (wire) => {
      while (next < count) {
        const n = next
        next += 1
        await each(wire, n)
      }
    })
  await Promise.all(Array.from({ length: 8 }, worker))
}
