import { describe, expect, it } from 'vitest'
import { monthsFrom } from './months.ts'

describe('the months of the audit log', () => {
  it('follow one another without a gap, also into the next year', () => {
    const months = monthsFrom(new Date('2026-11-30T23:59:59.999Z'), 2)
    expect(months).toEqual([
      { table: 'audit_log_2026_11', from: '2026-11-01T00:00:00.000Z', to: '2026-12-01T00:00:00.000Z' },
      { table: 'audit_log_2026_12', from: '2026-12-01T00:00:00.000Z', to: '2027-01-01T00:00:00.000Z' },
      { table: 'audit_log_2027_01', from: '2027-01-01T00:00:00.000Z', to: '2027-02-01T00:00:00.000Z' },
    ])
  })
})
