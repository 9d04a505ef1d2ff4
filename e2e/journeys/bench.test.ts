import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../src/process.ts'
import { CLONE } from '../src/suite.ts'

it('the bench measures every work against its peers and says a verdict for each row', async () => {
  const program = ['--conditions=@berth/source', join(CLONE, 'e2e', 'bench', 'main.ts'), '--smoke']
  const { code, output, stdout } = await run(process.execPath, program, { env: process.env, timeoutMs: 900_000 })
  expect(code, output).toBe(0)
  const table = stdout.slice(stdout.lastIndexOf('| --- |'))
  const rows = table.split('\n').filter((line) => /^\| P\d+ \|/.test(line))
  const count = (id: string): number => rows.filter((row) => row.startsWith(`| ${id} |`)).length
  const counts = Object.fromEntries(
    ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9', 'P10', 'P12', 'P16'].map((id) => [id, count(id)]),
  )
  expect(counts).toEqual({ P1: 10, P2: 2, P3: 4, P4: 8, P5: 8, P6: 8, P7: 2, P8: 1, P9: 2, P10: 13, P12: 2, P16: 2 })
  for (const row of rows) expect(row).toMatch(/\| (reached|missed) \|/)
})
