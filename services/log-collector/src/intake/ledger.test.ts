import { describe, expect, it } from 'vitest'
import { createLedger, LedgerState } from './ledger.ts'

const HOUR = 3_600_000
const line = (seq: number, instance = 'a', service = 'core') => ({ service, instance, seq })

describe('the ledger', () => {
  it('takes each line of a process once', () => {
    const ledger = createLedger()
    expect(ledger.takeLine(line(5), 1, 0)).toBe(true)
    expect(ledger.takeLine(line(5), 2, 0)).toBe(false)
    expect(ledger.takeLine(line(5, 'b'), 3, 0)).toBe(true)
    expect(ledger.takeLine(line(5, 'a', 'token'), 4, 0)).toBe(true)
  })

  it('counts a gap at once when everything before it in the stream has come', () => {
    const ledger = createLedger()
    ledger.takeMessage(1, 1, 0)
    ledger.takeLine(line(1), 1, 0)
    ledger.takeMessage(2, 1, 0)
    ledger.takeLine(line(8), 2, 0)
    expect(ledger.dropped(0)).toEqual({ core: 6 })
  })

  it('waits with a gap as long as a message before it may come again', () => {
    const ledger = createLedger()
    ledger.takeMessage(1, 1, 0)
    ledger.takeLine(line(1), 1, 0)
    ledger.takeMessage(3, 1, 0)
    ledger.takeLine(line(3), 3, 0)
    expect(ledger.dropped(30_000)).toEqual({})
    ledger.takeMessage(2, 2, 30_000)
    expect(ledger.takeLine(line(2), 2, 30_000)).toBe(true)
    expect(ledger.dropped(90_000)).toEqual({})
  })

  it('counts a gap after a minute whatever is missing in the stream', () => {
    const ledger = createLedger()
    ledger.takeMessage(1, 1, 0)
    ledger.takeLine(line(1), 1, 0)
    ledger.takeMessage(9, 1, 0)
    ledger.takeLine(line(3), 9, 0)
    expect(ledger.dropped(60_001)).toEqual({ core: 1 })
  })

  it('takes a loss back when the line comes after all', () => {
    const ledger = createLedger()
    ledger.takeLine(line(1), 1, 0)
    ledger.takeLine(line(3), 2, 0)
    expect(ledger.dropped(0)).toEqual({ core: 1 })
    ledger.takeLine(line(2), 3, 0)
    expect(ledger.dropped(0)).toEqual({})
  })

  it('keeps the count of what it forgets', () => {
    const ledger = createLedger()
    ledger.takeLine(line(1), 1, 0)
    ledger.takeLine(line(4), 2, 0)
    ledger.forget(26 * HOUR)
    expect(ledger.state().instances).toEqual([])
    expect(ledger.dropped(26 * HOUR)).toEqual({ core: 2 })
  })

  it('stays small when names and gaps are made up without end', () => {
    const ledger = createLedger()
    for (let n = 0; n < 3_000; n++) ledger.takeLine(line(1, `i${n}`), n, n)
    for (let n = 1; n < 1_000; n++) ledger.takeLine(line(n * 2, 'gappy'), n, 5_000)
    ledger.forget(5_000)
    const { instances } = ledger.state()
    expect(instances.length).toBe(2_000)
    expect(Math.max(...instances.map(({ gaps }) => gaps.length))).toBe(200)
    expect(ledger.dropped(70_000)).toEqual({ core: 998 })
  })

  it('goes on where it was written down', () => {
    const ledger = createLedger()
    ledger.takeMessage(1, 1, 0)
    ledger.takeLine(line(1), 1, 0)
    ledger.takeLine(line(3), 2, 0)
    const again = createLedger(LedgerState.parse(JSON.parse(JSON.stringify(ledger.state()))))
    expect(again.takeLine(line(3), 3, 0)).toBe(false)
    expect(again.takeLine(line(2), 4, 0)).toBe(true)
  })
})
