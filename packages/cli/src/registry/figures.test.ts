import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { openTerminal, type World } from '../terminal.ts'
import { bytesText, countText, labelOf, showReport } from './figures.ts'
import { lineOf, progressBar } from './progress-bar.ts'

function worldOn(stderr: { isTTY?: boolean } = {}): { world: World; printed: () => string; said: () => string } {
  const [out, err]: [string[], string[]] = [[], []]
  const kept = (into: string[]) =>
    new Writable({
      write: (chunk, _encoding, done) => {
        into.push(String(chunk))
        done()
      },
    })
  const world = {
    env: { NO_COLOR: '1' },
    cwd: '/',
    stdin: process.stdin,
    stdout: kept(out),
    stderr: Object.assign(kept(err), { columns: 80 }, stderr),
    stop: new AbortController().signal,
  }
  return { world, printed: () => out.join(''), said: () => err.join('') }
}

describe('figures', () => {
  it('are written as people read them', () => {
    expect([0, 1, 1023, 1024, 1536, 5 * 2 ** 30].map(bytesText)).toEqual([
      '0 B',
      '1 B',
      '1023 B',
      '1.0 KiB',
      '1.5 KiB',
      '5.0 GiB',
    ])
    expect(countText(1_234_567)).toBe('1,234,567')
    expect(labelOf('skippedManifests')).toBe('skipped manifests')
  })

  it('stand in a table, what needs a look below it, remarks beside it', () => {
    const { world, printed, said } = worldOn()
    showReport(openTerminal(world, 'table'), {
      figures: { manifests: 1_200, blobBytes: 2_048, dryRun: true },
      findings: [{ what: 'tag', name: 'a \u001b[2K', why: 'gone' }],
      remarks: ['look at this'],
    })
    expect(printed()).toMatch(/^manifests +1,200$/m)
    expect(printed()).toMatch(/^blob bytes +2\.0 KiB$/m)
    expect(printed()).toMatch(/^dry run +yes$/m)
    expect(printed()).toContain('\\u001b')
    expect(said()).toBe('look at this\n')
  })

  it('are the report itself as JSON', () => {
    const { world, printed } = worldOn()
    const report = { figures: { manifests: 1 }, findings: [], remarks: [] }
    showReport(openTerminal(world, 'json'), report)
    expect(JSON.parse(printed())).toEqual(report)
  })
})

describe('progress', () => {
  const progress = {
    step: 'adopting library/a',
    done: 5,
    total: 10,
    unit: 'repositories',
    counts: { readBytes: 2 ** 21 },
  }

  it('is a bar with counts, bytes and their rate', () => {
    expect(lineOf(progress, 2)).toBe(
      '[############------------] 50 % · 5 of 10 repositories · 2.0 MiB read bytes (1.0 MiB/s) · adopting library/a',
    )
    expect(lineOf({ ...progress, total: undefined, unit: 'bytes', counts: {} }, 1)).toBe(
      '5 B bytes · adopting library/a',
    )
  })

  it('writes over itself on a terminal, and is a line for each kind of step elsewhere', () => {
    const terminal = worldOn({ isTTY: true })
    const bar = progressBar(terminal.world)
    bar.show(progress)
    bar.clear()
    const anew = '\r\u001b[2K'
    expect(terminal.said().startsWith(`${anew}[#`)).toBe(true)
    expect(terminal.said().endsWith(anew)).toBe(true)
    const file = worldOn()
    const lines = progressBar(file.world)
    lines.show(progress)
    lines.show({ ...progress, step: 'adopting library/b' })
    lines.clear()
    expect(file.said()).toBe('adopting library/a\n')
  })
})
