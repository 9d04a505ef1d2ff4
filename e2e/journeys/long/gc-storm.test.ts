import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api } from '../../src/api.ts'
import { berth, report } from '../../src/berth.ts'
import { chance } from '../../src/chance.ts'
import { figure } from '../../src/figures.ts'
import { ask } from '../../src/http.ts'
import { sleep, until } from '../../src/process.ts'
import { getToken, RegistryClient } from '../../src/registry-client.ts'
import { layerPool, Tenant } from '../../src/storm.ts'
import { type Suite, startSuite } from '../../src/suite.ts'

const STORM_MS = 180_000
const KILL_EVERY_MS = 25_000
const TENANTS = 6

interface GcReport {
  figures: Record<string, number | string>
}

describe('garbage collection in a storm of pushes, deletions and kills', () => {
  let suite: Suite
  let client: RegistryClient
  let tenants: Tenant[]

  beforeAll(async () => {
    suite = await startSuite({
      scale: { registry: 2 },
      env: { GC_TIME_WINDOW_HOURS: '0', BERTH_REGISTRY_GC_GRACE_SECONDS: '1' },
    })
    await Api.admin(suite).createProject('storm')
    const names = Array.from({ length: TENANTS }, (_, n) => `storm/tenant-${n}`)
    const scopes = names.map((name) => `repository:${name}:pull,push,delete`)
    const token = await getToken(suite.url, { user: 'admin', password: suite.adminPassword, scopes })
    client = new RegistryClient(suite.url, `Bearer ${token}`)
    const pool = layerPool(30)
    tenants = names.map(
      (name) =>
        new Tenant(
          client,
          name,
          pool,
          names.filter((other) => other !== name),
        ),
    )
  })

  afterAll(() => suite?.stop())

  const gc = (): Promise<GcReport> => report<GcReport>(suite, ['registry', 'gc'])
  const bytesLeft = async (): Promise<number> =>
    (await readdir(join(suite.data, 'registry', 'blobs'), { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    ).length

  it('loses nothing that was answered 201, and leaves nothing behind after a last sweep', async () => {
    const end = Date.now() + STORM_MS
    const going = (): boolean => Date.now() < end && tenants.every((tenant) => tenant.losses.length === 0)
    let runs = 0
    const collecting = (async () => {
      while (going()) {
        const said = await berth(suite, ['registry', 'gc'])
        // The command asks the suite how its registry is set up, and it may lie dead just then.
        if (said.code !== 0) expect(said.output).toContain('does not run')
        else runs += 1
      }
    })()
    const killing = (async () => {
      const next = chance('kills of a storm')
      while (going()) {
        await sleep(KILL_EVERY_MS)
        const pids = await suite.pidsOf('registry')
        const pid = pids[next(pids.length)]
        if (pid !== undefined && going()) process.kill(pid, 'SIGKILL')
      }
    })()
    await Promise.all([collecting, killing, ...tenants.map((tenant) => tenant.work(going))])
    await until('the registry to answer', 90_000, async () => {
      const url = client.url('storm/tenant-0', 'tags/list')
      const asked = await ask(url, { headers: client.headers() }).catch(() => undefined)
      return asked?.status === 200 || asked?.status === 404
    })
    for (const tenant of tenants) await tenant.verify()
    const sums = tenants.reduce<Record<string, number>>((all, { counts }) => {
      for (const [name, count] of Object.entries(counts)) all[name] = (all[name] ?? 0) + count
      return all
    }, {})
    await figure('a storm of garbage collection', { 'runs of it': runs, ...sums })
    expect(tenants.flatMap((tenant) => tenant.losses)).toEqual([])
    expect(runs).toBeGreaterThan(3)
    expect(sums.push).toBeGreaterThan(50)

    for (const tenant of tenants) {
      for (const digest of tenant.sent) {
        const url = client.url(tenant.repository, `manifests/${digest}`)
        const answer = await ask(url, { method: 'DELETE', headers: client.headers() })
        expect([202, 404]).toContain(answer.status)
      }
    }
    await sleep(2_000)
    await gc()
    await until('the last bytes to go', 180_000, async () => {
      await gc()
      return (await bytesLeft()) === 0
    })
  })
})
