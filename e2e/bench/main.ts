import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CLONE } from '../src/suite.ts'
import { openTools } from '../tools/install.ts'
import { openPeerPrograms } from '../tools/peers.ts'
import { type Field, openField } from './contenders.ts'
import type { Row } from './measure.ts'
import { p1 } from './p1.ts'
import { p2 } from './p2.ts'
import { p3 } from './p3.ts'
import { p4 } from './p4.ts'
import { p5 } from './p5.ts'
import { p6 } from './p6.ts'
import { p7, p8 } from './p7.ts'
import { p9 } from './p9.ts'
import { p10 } from './p10.ts'
import { p12 } from './p12.ts'
import { p16 } from './p16.ts'
import { FULL, SMOKE } from './plan.ts'
import { renderMachine, renderProfiles, renderTable, writeTable } from './table.ts'

const WORKS = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9', 'P10', 'P12', 'P16'] as const
type Work = (typeof WORKS)[number]
const USAGE = `usage: npm run bench -- [${WORKS.join('] [')}] [--smoke] [--repeats N] [--write]\n`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { smoke: { type: 'boolean' }, write: { type: 'boolean' }, repeats: { type: 'string' } },
})
const wanted = positionals.length > 0 ? positionals : [...WORKS]
const plan = values.smoke ? SMOKE : FULL
const repeats = values.repeats === undefined ? plan.repeats : Number(values.repeats)
if (wanted.some((id) => !(WORKS as readonly string[]).includes(id)) || !(Number.isInteger(repeats) && repeats > 0)) {
  process.stderr.write(USAGE)
  process.exit(2)
}

const tools = await openTools()
const programs = await openPeerPrograms()
const { sizes, seconds } = plan
const inField: [Work, (field: Field) => Promise<Row[]>][] = [
  ['P1', (field) => p1(field, sizes, repeats)],
  ['P2', (field) => p2(field, sizes, repeats)],
  ['P3', (field) => p3(field, { clients: plan.clients, seconds, repeats })],
  ['P4', (field) => p4(field, sizes, repeats)],
  ['P5', (field) => p5(tools, field, { connections: plan.connections, seconds, repeats })],
  ['P6', (field) => p6(field, { seconds, repeats })],
  ['P7', (field) => p7(field, { counts: plan.tags, repeats })],
  ['P8', (field) => p8(field, { counts: plan.repositories, repeats })],
  ['P9', (field) => p9(field, { counts: plan.referrers })],
]
const rows: Row[] = []
const keep = (more: Row[]): void => {
  rows.push(...more)
  process.stderr.write(`${renderTable(more)}\n`)
}
if (wanted.includes('P16')) keep(await p16(repeats, plan.restMs))
if (wanted.includes('P10')) keep(await p10({ ...plan.artifacts, seconds }, repeats))
if (wanted.includes('P12')) keep(await p12(plan.gc, repeats))
const works = inField.filter(([id]) => wanted.includes(id))
if (works.length > 0) {
  const field = await openField(tools, programs, sizes)
  try {
    for (const [, work] of works) keep(await work(field))
  } finally {
    await field.stop()
  }
}
rows.sort((a, b) => wanted.indexOf(a.id) - wanted.indexOf(b.id))
const text = `${renderMachine(tools, programs, repeats)}\n${renderTable(rows)}`
process.stdout.write(text)
if (values.write) {
  await writeTable(join(CLONE, 'docs', 'benchmarks.md'), text)
  await mkdir(join(CLONE, 'docs', 'profiles'), { recursive: true })
  await writeFile(join(CLONE, 'docs', 'profiles', 'missed.md'), renderProfiles(rows))
}
