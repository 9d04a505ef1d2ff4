import { migrate, openDatabase } from '@berth/db'
import { silentLogger } from '@berth/runtime'
import { type ThrowAwayPostgres, throwAwayPostgres } from '@berth/testkit'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrations } from '../../migrations/index.ts'
import { auditStore } from './audit-store.ts'
import { preparePartitions } from './partitions.ts'

let postgres: ThrowAwayPostgres
beforeAll(async () => {
  postgres = await throwAwayPostgres()
})
afterAll(() => postgres?.stop())

const row = (occurredAt: string) => ({
  occurredAt: new Date(occurredAt),
  username: 'alice',
  operation: 'create',
  resourceType: 'project',
  resource: occurredAt,
  description: '',
  succeeded: true,
})

describe('the partitions of the audit log', () => {
  it('are made by one replica of several, once, and take over what came before them', async () => {
    const url = await postgres.createDatabase()
    const open = () => openDatabase({ url, service: 'core', schema: 'core', log: silentLogger })
    const replicas = [open(), open(), open()]
    const [first] = replicas as [ReturnType<typeof open>]
    await migrate(first, { schema: 'core', migrations, log: silentLogger })
    const times = [
      '2026-10-31T23:59:59.999Z',
      '2026-11-01T00:00:00.000Z',
      '2026-12-31T23:59:59.999Z',
      '2027-02-01T00:00:00.000Z',
    ]
    await auditStore.insert(first, times.map(row))
    const now = new Date('2026-11-15T12:00:00Z')
    await Promise.all(replicas.map((replica) => preparePartitions(replica, now)))
    await preparePartitions(first, now)
    const client = new pg.Client({ connectionString: url, options: '-c search_path=core' })
    await client.connect()
    const { rows } = await client.query(
      'SELECT tableoid::regclass::text AS place, resource FROM audit_log ORDER BY occurred_at',
    )
    expect(rows.map(({ place, resource }) => [place, resource])).toEqual([
      ['audit_log_default', times[0]],
      ['audit_log_2026_11', times[1]],
      ['audit_log_2026_12', times[2]],
      ['audit_log_default', times[3]],
    ])
    await preparePartitions(first, new Date('2026-12-01T00:00:00Z'))
    await auditStore.insert(first, [row('2027-02-02T00:00:00.000Z')])
    const moved = await client.query(`SELECT count(*)::int AS rows FROM audit_log_2027_02`)
    expect(moved.rows[0].rows).toBe(2)
    await client.end()
    for (const replica of replicas) await replica.close()
  })
})
