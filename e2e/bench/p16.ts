import { mebibytes, median } from '../src/figures.ts'
import { cpuSeconds, pssBytes } from '../src/proc.ts'
import { sleep } from '../src/process.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import type { Row } from './measure.ts'

const READY_S = 10
const AT_REST_MIB = 900

/** From `npm start` on a fresh data directory to the ready line, and the memory of everything after `restMs` of rest. */
export async function p16(repeats: number, restMs: number): Promise<Row[]> {
  await (await startSuite()).stop()
  const ready: number[] = []
  const totals: number[] = []
  const singles: number[] = []
  const cpu: number[] = []
  for (let n = 0; n < repeats; n += 1) {
    const suite = await startSuite()
    try {
      ready.push(suite.readyMs / 1000)
      await sleep(restMs)
      const rest = await atRest(suite)
      totals.push(rest.totalMiB)
      singles.push(rest.mostMiB)
      cpu.push(rest.cpuSeconds)
    } finally {
      await suite.stop()
    }
  }
  const ours = { peakMiB: Math.max(...totals), peakOfOneMiB: Math.max(...singles), cpuSeconds: median(cpu) }
  const time = median(ready)
  const total = median(totals)
  return [
    {
      id: 'P16',
      work: 'start to ready, warm checkout, fresh data',
      unit: 's',
      ours: { rate: time, ...ours },
      reach: `< ${READY_S} s`,
      verdict: time < READY_S ? 'reached' : 'missed',
    },
    {
      id: 'P16',
      work: 'memory of all processes at rest, npm included',
      unit: 'MiB',
      ours: { rate: total, ...ours },
      reach: `< ${AT_REST_MIB} MB`,
      verdict: total * 2 ** 20 < AT_REST_MIB * 1e6 ? 'reached' : 'missed',
    },
  ]
}

async function atRest(suite: Suite): Promise<{ totalMiB: number; mostMiB: number; cpuSeconds: number }> {
  let total = 0
  let most = 0
  let cpu = 0
  for (const { pid } of await suite.processes()) {
    const bytes = (await pssBytes(pid)) ?? 0
    total += bytes
    most = Math.max(most, bytes)
    cpu += (await cpuSeconds(pid)) ?? 0
  }
  return { totalMiB: mebibytes(total), mostMiB: mebibytes(most), cpuSeconds: cpu }
}
