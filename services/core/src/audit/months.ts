/** A part of the audit log's table: one month, in UTC. */
export interface Month {
  /** Of the partition: `audit_log_2026_11`. */
  table: string
  /** ISO times; the second is that of the next month. */
  from: string
  to: string
}

/** This month and as many after it. */
export function monthsFrom(now: Date, ahead: number): Month[] {
  return Array.from({ length: ahead + 1 }, (_, n) => {
    const from = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + n))
    const to = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + n + 1))
    const [year, month] = from.toISOString().split('-')
    return { table: `audit_log_${year}_${month}`, from: from.toISOString(), to: to.toISOString() }
  })
}
