import { mebibytes } from '../src/figures.ts'
import { type Field, REPOSITORY, type Sizes } from './contenders.ts'
import { type Comparison, compare, measureOurs, type Row, type Target } from './measure.ts'
import { overWire, type PushForm, pushLoad } from './pushing.ts'
import { type Load, makeLoad } from './wire.ts'

const FORMS: [PushForm, string][] = [
  ['put', 'POST and PUT'],
  ['patch', 'one streamed PATCH'],
  ['chunks', 'chunks of 16 MiB'],
]
const MAX_MB = 200
const MAX_GROWTH = 1.1

const push = (target: Target, load: Load, form: PushForm): Promise<void> =>
  overWire(target.base, (wire) => pushLoad(wire, { ...target, repository: REPOSITORY }, load, form))

/** Makes the contents before the clock runs, pushes them all at once and takes them off the disk again. */
export async function pushRate(target: Target, loads: readonly Load[], form: PushForm): Promise<number> {
  const began = performance.now()
  await Promise.all(loads.map((load) => push(target, load, form)))
  const seconds = (performance.now() - began) / 1000
  for (const { digest } of loads) await target.forget(digest)
  return loads.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / 2 ** 20 / seconds
}

/** Pushes of one large layer, MiB a second, and what memory they take. */
export async function p1(field: Field, sizes: Sizes, repeats: number): Promise<Row[]> {
  const big = mebibytes(sizes.bigBytes)
  const rows: Row[] = []
  for (const [way, pair, reach] of [
    ['direct', field.direct, 1.0],
    ['gateway', field.gateway, 0.8],
  ] as const) {
    for (const [form, name] of FORMS) {
      const run: Comparison['run'] = (target) => pushRate(target, [makeLoad(sizes.bigBytes)], form)
      rows.push(
        await compare({
          id: 'P1',
          work: `${way}: push ${big} MiB, ${name}`,
          unit: 'MiB/s',
          ...pair,
          repeats,
          reach,
          run,
        }),
      )
    }
  }
  const { ours } = field.direct
  const run: Comparison['run'] = (target) => pushRate(target, [makeLoad(sizes.bigBytes)], 'put')
  const work = `direct: push ${big} MiB, POST and PUT, beside olareg`
  rows.push(await compare({ id: 'P1', work, unit: 'MiB/s', ours, peer: field.olareg, repeats, reach: 1.0, run }))
  return [...rows, ...(await memory(field, sizes))]
}

async function memory(field: Field, sizes: Sizes): Promise<Row[]> {
  const { ours } = field.gateway
  const peak = async (parallel: number, sizeBytes: number) =>
    measureOurs(ours, (target) =>
      pushRate(
        target,
        Array.from({ length: parallel }, () => makeLoad(sizeBytes)),
        'put',
      ),
    )
  const one = await peak(1, sizes.bigBytes)
  const eight = await peak(8, sizes.bigBytes)
  const four = await peak(1, 4 * sizes.bigBytes)
  const big = mebibytes(sizes.bigBytes)
  const row = (
    work: string,
    measured: typeof one,
    reach: string,
    isReached: boolean,
    value: number,
    unit: string,
  ): Row => ({
    id: 'P1',
    work: `gateway: largest process, ${work}`,
    unit,
    ours: { ...measured, rate: value },
    reach,
    verdict: isReached ? 'reached' : 'missed',
  })
  const isSmall = (mib: number): boolean => mib * 2 ** 20 < MAX_MB * 1e6
  const growth = four.peakOfOneMiB / one.peakOfOneMiB
  return [
    row(`1 push of ${big} MiB`, one, `< ${MAX_MB} MB`, isSmall(one.peakOfOneMiB), one.peakOfOneMiB, 'MiB'),
    row(`8 pushes of ${big} MiB`, eight, `< ${MAX_MB} MB`, isSmall(eight.peakOfOneMiB), eight.peakOfOneMiB, 'MiB'),
    row(`1 push of ${4 * big} MiB by 1 of ${big} MiB`, four, `≤ ${MAX_GROWTH} ×`, growth <= MAX_GROWTH, growth, '×'),
  ]
}
