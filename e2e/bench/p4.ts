import { mebibytes } from '../src/figures.ts'
import { type Field, REPOSITORY, type Sizes } from './contenders.ts'
import { Drain } from './drain.ts'
import { compare, type Row, type Target } from './measure.ts'

const blobPath = (digest: string): string => `/v2/${REPOSITORY}/blobs/${digest}`
const rate = (sizeBytes: number, began: number): number => sizeBytes / 2 ** 20 / ((performance.now() - began) / 1000)

async function read(target: Target, digest: string, sizeBytes: number): Promise<void> {
  const drain = new Drain(target.base)
  try {
    const answer = await drain.ask('GET', blobPath(digest), target.headers)
    if (answer.status !== 200 || answer.sizeBytes !== sizeBytes) throw new Error(`${target.name}: ${answer.status}`)
  } finally {
    drain.close()
  }
}

async function readInRanges(target: Target, digest: string, sizes: Sizes): Promise<number> {
  const drain = new Drain(target.base)
  const began = performance.now()
  try {
    for (let from = 0; from < sizes.bigBytes; from += sizes.partBytes) {
      const to = Math.min(from + sizes.partBytes, sizes.bigBytes) - 1
      const answer = await drain.ask('GET', blobPath(digest), { ...target.headers, range: `bytes=${from}-${to}` })
      if (answer.status !== 206 || answer.sizeBytes !== to - from + 1)
        throw new Error(`${target.name}: ${answer.status}`)
    }
  } finally {
    drain.close()
  }
  return rate(sizes.bigBytes, began)
}

/** Pulls of large blobs, MiB a second. The redirect of P4 comes with object storage. */
export async function p4(field: Field, sizes: Sizes, repeats: number): Promise<Row[]> {
  const big = mebibytes(sizes.bigBytes)
  const works: [string, (target: Target) => Promise<number>][] = [
    [
      `pull ${big} MiB, streamed`,
      async (target) => {
        const began = performance.now()
        await read(target, field.big, sizes.bigBytes)
        return rate(sizes.bigBytes, began)
      },
    ],
    [`pull ${big} MiB in ranges of ${mebibytes(sizes.partBytes)} MiB`, (one) => readInRanges(one, field.big, sizes)],
    [
      `pull ${field.smalls.length} × ${mebibytes(sizes.smallBytes)} MiB at once`,
      async (target) => {
        const began = performance.now()
        await Promise.all(field.smalls.map((digest) => read(target, digest, sizes.smallBytes)))
        return rate(sizes.smallBytes * field.smalls.length, began)
      },
    ],
  ]
  const rows: Row[] = []
  for (const [way, pair, reach] of [
    ['direct', field.direct, 1.0],
    ['gateway', field.gateway, 0.5],
  ] as const) {
    for (const [work, run] of works) {
      rows.push(await compare({ id: 'P4', work: `${way}: ${work}`, unit: 'MiB/s', ...pair, repeats, reach, run }))
    }
    const [[work, run] = works[0] as (typeof works)[number]] = works
    const peer = field.debian[way]
    const beside = `${way}: ${work}, beside ${peer.name}`
    rows.push(await compare({ id: 'P4', work: beside, unit: 'MiB/s', ours: pair.ours, peer, repeats, reach, run }))
  }
  return rows
}
