import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const TOP = join(import.meta.dirname, '..')
const CASES = 50

const rows = readFileSync(join(TOP, 'docs/security-cases.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| *\d/.test(line))
  .map((line) => {
    const [number = '', , file = '', word = ''] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
    return { number: Number(number), file: file.replaceAll('`', ''), word }
  })

describe('the page of holes others had', () => {
  it('has every case', () => {
    expect([...new Set(rows.map(({ number }) => number))]).toEqual(Array.from({ length: CASES }, (_, n) => n + 1))
  })

  it.each(rows.filter(({ file }) => file !== '–'))('is right that $number is tried in $file', ({ file, word }) => {
    expect(readFileSync(join(TOP, file), 'utf8')).toContain(word)
  })
})
