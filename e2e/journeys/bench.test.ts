import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../src/process.ts'
import { CLONE } from '../src/suite.ts'

it('the bench measures P4, P5 and P16 against its peers and says a verdict for each row', async () => {
  const program = ['--conditions=@berth/source', join(CLONE, 'e2e', 'bench', 'main.ts'), '--smoke']
  const { code, output, stdout } = await run(process.execPath, program, { env: process.env, timeoutMs: 600_000 })
  expect(code, output).toBe(0)
  const table = stdout.slice(stdout.lastIndexOf('| --- |'))
  const rows = table.split('\n').filter((line) => /^\| P\d+ \|/.test(line))
  const count = (id: string): number => rows.filter((row) => row.startsWith(`| ${id} |`)).length
  expect({ P4: count('P4'), P5: count('P5'), P16: count('P16') }).toEqual({ P4: 6, P5: 4, P16: 2 })
  for (const row of rows) expect(row).toMatch(/\| (reached|missed) \|/)
})
