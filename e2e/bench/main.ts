import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CLONE } from '../src/suite.ts'
import { openTools } from '../tools/install.ts'
import { openField } from './contenders.ts'
import type { Row } from './measure.ts'
import { p4 } from './p4.ts'
import { p5 } from './p5.ts'
import { p16 } from './p16.ts'
import { renderMachine, renderTable, writeTable } from './table.ts'

const MIB = 2 ** 20
const FULL = {
  sizes: { bigBytes: 1024 * MIB, partBytes: 16 * MIB, smallBytes: 100 * MIB, smalls: 8 },
  connections: [1, 16, 64],
  seconds: 5,
  restMs: 15_000,
  repeats: 5,
}
/** Everything once and small: shows that the bench works, and nothing else. */
const SMOKE = {
  sizes: { bigBytes: 32 * MIB, partBytes: 16 * MIB, smallBytes: 4 * MIB, smalls: 8 },
  connections: [16],
  seconds: 1,
  restMs: 1000,
  repeats: 1,
}
const WORKS = ['P4', 'P5', 'P16'] as const
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
const rows: Row[] = []
const keep = (more: Row[]): void => {
  rows.push(...more)
  process.stderr.write(`${renderTable(more)}\n`)
}
if (wanted.includes('P16')) keep(await p16(repeats, plan.restMs))
if (wanted.includes('P4') || wanted.includes('P5')) {
  const field = await openField(tools, plan.sizes)
  try {
    if (wanted.includes('P4')) keep(await p4(field, plan.sizes, repeats))
    if (wanted.includes('P5')) keep(await p5(tools, field, { ...plan, repeats }))
  } finally {
    await field.stop()
  }
}
rows.sort((a, b) => wanted.indexOf(a.id) - wanted.indexOf(b.id))
const text = `${renderMachine(tools, repeats)}\n${renderTable(rows)}`
process.stdout.write(text)
if (values.write) await writeTable(join(CLONE, 'docs', 'benchmarks.md'), text)
