import { mebibytes } from '../src/figures.ts'
import { until } from '../src/process.ts'
import { type Field, REPOSITORY, type Sizes } from './contenders.ts'
import { compare, type Row } from './measure.ts'
import { pushRate } from './p1.ts'
import { overWire, pushLoad } from './pushing.ts'
import { makeLoad } from './wire.ts'

/** Pushes at once: of eight layers, and of one layer by sixteen clients, of which one copy is kept. */
export async function p2(field: Field, sizes: Sizes, repeats: number): Promise<Row[]> {
  const part = mebibytes(sizes.manyBytes)
  const shared = { id: 'P2', unit: 'MiB/s', ...field.direct, repeats, reach: 1.0 }
  return [
    await compare({
      ...shared,
      work: `direct: 8 pushes of ${part} MiB at once`,
      run: (target) =>
        pushRate(
          target,
          Array.from({ length: 8 }, () => makeLoad(sizes.manyBytes)),
          'put',
        ),
    }),
    await compare({
      ...shared,
      work: `direct: 16 pushes of one layer of ${part} MiB at once`,
      run: async (target) => {
        const load = makeLoad(sizes.manyBytes)
        const place = { ...target, repository: REPOSITORY }
        const began = performance.now()
        await Promise.all(
          Array.from({ length: 16 }, () => overWire(target.base, (wire) => pushLoad(wire, place, load, 'put'))),
        )
        const seconds = (performance.now() - began) / 1000
        // Bytes nobody needs are removed after the answer.
        await until(`${target.name} to keep one copy`, 30_000, async () => (await target.copies(load.digest)) === 1)
        await target.forget(load.digest)
        return (16 * sizes.manyBytes) / 2 ** 20 / seconds
      },
    }),
  ]
}
