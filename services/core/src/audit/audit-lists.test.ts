import type { Queries } from '@berth/db'
import { expect, it } from 'vitest'
import type { UserCaller } from '../caller/caller.ts'
import { createAuditLists } from './audit-lists.ts'

const admin: UserCaller = { kind: 'user', id: 1, name: 'admin', admin: true }
const first = { number: 1, size: 10, limit: 10, offset: 0 }

/** A log with so many entries to find; what it was asked for. */
function logOf(total: number) {
  const asked: string[] = []
  const db = {
    find: async () => ({ total }),
    run: async (statement: { text: string }) => {
      asked.push(statement.text)
      return []
    },
  }
  return { asked, lists: createAuditLists({ db: db as unknown as Queries, door: undefined as never }) }
}

it.each([
  [0, first, []],
  [10, { ...first, offset: 10 }, []],
  [5_000, first, [expect.stringContaining('MATERIALIZED')]],
  [5_001, first, [expect.not.stringContaining('MATERIALIZED')]],
])(
  'a log with %i entries to find is walked by its time only where that meets them soon',
  async (total, page, asked) => {
    const log = logOf(total)
    expect((await log.lists.all(admin, { legacy: false }, page)).total).toBe(total)
    expect(log.asked).toEqual(asked)
  },
)
