import { describe, expect, it } from 'vitest'
import { mebibytes, printable, table } from './table.ts'

describe('a table', () => {
  it('is as wide as its widest cells, with a dash for what is not known', () => {
    const rows = [
      { name: 'core', bytes: 5 },
      { name: 'log-collector', bytes: undefined },
    ]
    const lines = table(rows, [
      { title: 'NAME', of: (row) => row.name },
      { title: 'BYTES', of: (row) => row.bytes, align: 'right' },
    ])
    expect(lines).toEqual(['NAME           BYTES', 'core               5', 'log-collector      -'])
  })

  it('colours a cell after measuring it', () => {
    const columns = [
      { title: 'A', of: (row: string) => row, paint: (text: string) => `<${text}>` },
      { title: 'B', of: () => 'x' },
    ]
    expect(table(['yes', 'no'], columns)).toEqual(['A    B', '<yes>  x', '<no >  x'])
  })

  it('shows what would move the cursor instead of sending it', () => {
    expect(printable('a\u001b[2Jb\u202e')).toBe('a\\u001b[2Jb\\u202e')
  })

  it('counts memory in MiB', () => {
    expect(mebibytes(1_572_864)).toBe('1.5 MiB')
    expect(mebibytes(undefined)).toBeUndefined()
  })
})
