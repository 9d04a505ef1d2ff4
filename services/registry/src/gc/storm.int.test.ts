import { openDatabase } from '@berth/db'
import { silentLogger } from '@berth/runtime'
import { gcSweep } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fsck } from '../fsck/index.ts'
import { filesystemStorage } from '../storage/index.ts'
import { storm } from '../testing/storm/storm.ts'
import { openWorld, type World } from '../testing/test-world.ts'
import { runGc } from './run-gc.ts'

/** The long form: BERTH_E2E_STORM_SECONDS=300 BERTH_E2E_STORM_SEED=… */
const SECONDS = Number(process.env.BERTH_E2E_STORM_SECONDS ?? 12)
const SEED = Number(process.env.BERTH_E2E_STORM_SEED ?? 20_261_120)

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world?.stop())

const count = async (what: string) => (await world.sql<{ n: number }>(`SELECT count(*)::int AS n FROM ${what}`))[0]?.n

/** Everything time would do: sessions expire, what was thrown away goes, and nothing is spared any more. */
async function finalSweep(): Promise<void> {
  await world.sql(`UPDATE registry.upload SET expires_at = now() - interval '1 s', lease_until = NULL`)
  await world.sql(`UPDATE registry.gc_run SET state = 'stopped' WHERE state = 'running'`)
  await world.sweep()
  await (await filesystemStorage(world.storageRoot)).discardAbandoned(-1, async () => false)
  const options = { deleteUntagged: true, dryRun: false, workers: 2, force: true }
  const run = await runGc((request) => world.bus.ask(gcSweep, { action: 'step', ...request }), { options })
  expect(run.state).toBe('finished')
}

/** Nothing is in the tables or the storage that nobody refers to, and nothing missing. */
async function expectNoOrphans(): Promise<void> {
  expect(
    await count('registry.blob b WHERE NOT EXISTS (SELECT 1 FROM registry.manifest_blob WHERE blob_id = b.id)'),
  ).toBe(0)
  expect(await count('registry.blob WHERE condemned_at IS NOT NULL')).toBe(0)
  expect(await count('registry.trash')).toBe(0)
  expect(await count('registry.upload')).toBe(0)
  expect(
    await count(`registry.project_blob p WHERE NOT EXISTS (
      SELECT 1 FROM registry.manifest_blob m WHERE m.blob_id = p.blob_id AND m.project_id = p.project_id)`),
  ).toBe(0)
  const [usage] = await world.sql<{ used: string; sum: string }>(
    `SELECT used::text, (SELECT coalesce(sum(b.size), 0)::text FROM registry.project_blob pb
       JOIN registry.blob b ON b.id = pb.blob_id WHERE pb.project_id = p.id) AS sum
     FROM registry.project p WHERE name = 'library'`,
  )
  expect(usage?.used).toBe(usage?.sum)
  const log = silentLogger
  const database = openDatabase({ url: world.databaseUrl, service: 'registry', schema: 'registry', log })
  try {
    const report = await fsck({ database, storage: await filesystemStorage(world.storageRoot), repair: false })
    const rows = await count('registry.blob')
    expect(report).toMatchObject({ rows, objects: rows, missing: 0, wrongSize: 0, unknown: 0, young: 0 })
  } finally {
    await database.close()
  }
}

describe('pushes, mounts, tags, deletions, garbage collection and kill -9 at random', () => {
  it(
    'lose nothing, and leave nothing behind',
    async () => {
      const result = await storm(world, { seed: SEED, seconds: SECONDS, actors: 5 })
      expect(result.runs).toBeGreaterThan(0)
      expect(result.kills).toBeGreaterThan(0)
      expect(result.purgedBlobs).toBeGreaterThan(0)
      expect(result.done.push).toBeGreaterThan(0)

      await finalSweep()
      for (const actor of result.actors) await actor.checkAll()
      await expectNoOrphans()

      for (const actor of result.actors) await actor.leave()
      await finalSweep()
      await expectNoOrphans()
      expect([await count('registry.blob'), await count('registry.manifest')]).toEqual([0, 0])
    },
    (SECONDS + 120) * 1_000,
  )
})
