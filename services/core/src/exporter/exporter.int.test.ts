import { openDatabase } from '@berth/db'
import { createMetrics, type Registry, silentLogger } from '@berth/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import { HARBOR_VERSION } from '../version.ts'
import { startExporter } from './exporter.ts'

let surroundings: Surroundings
let core: RunningCore
let metrics: Registry
let stop: () => Promise<void>
const admin = `admin:${ADMIN_PASSWORD}`

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  const body = { project_name: 'shown', metadata: { public: 'false' }, storage_limit: 1_000_000 }
  expect((await core.post('/projects', { as: admin, body })).status).toBe(201)
  const { content } = surroundings.peers
  for (const tag of ['1', '2']) content.push({ repository: 'shown/app', tags: [tag], content: tag })
  content.push({ repository: 'shown/chart', content: 'chart', facts: { kind: 'CHART' } })
  content.push({ repository: 'library/nginx', content: 'nginx' })
  metrics = createMetrics('core')
  const bus = await surroundings.connect('core')
  const db = openDatabase({ url: core.databaseUrl, service: 'core', schema: 'core', log: silentLogger })
  const { health, settings } = core.assembled
  const exporter = startExporter({ db, bus, health, settings, metrics, log: silentLogger, firstMs: 0 })
  stop = async () => {
    exporter.stop()
    await bus.close()
    await db.close()
  }
})
afterAll(async () => {
  await stop?.()
  await core?.stop()
  await surroundings?.stop()
}, 30_000)

/** Series as `name{label="value",…} value`, without the label every one has. */
async function series(): Promise<string[]> {
  const text = await metrics.metrics()
  const lines = text.split('\n').filter((line) => line.startsWith('harbor_'))
  return lines.map((line) => line.replace(/,?service="core"/, '').replace('{}', ''))
}

describe("Harbor's figures", () => {
  it('are those of projects, content and components, under the names of its exporter', async () => {
    await expect.poll(series, { timeout: 20_000, interval: 100 }).toEqual(expect.arrayContaining(['harbor_health 1']))
    await expect
      .poll(series, { timeout: 20_000, interval: 100 })
      .toEqual(
        expect.arrayContaining([
          'harbor_up{component="registry"} 1',
          'harbor_up{component="database"} 1',
          `harbor_system_info{auth_mode="db_auth",harbor_version="${HARBOR_VERSION}",self_registration="false"} 1`,
          'harbor_project_total{public="true"} 1',
          'harbor_project_total{public="false"} 1',
          'harbor_project_quota_byte{project_name="shown"} 1000000',
          'harbor_project_quota_byte{project_name="library"} -1',
          'harbor_project_repo_total{project_name="shown",public="false"} 2',
          'harbor_project_repo_total{project_name="library",public="true"} 1',
          'harbor_project_member_total{project_name="shown"} 1',
          'harbor_project_artifact_total{project_name="shown",public="false",artifact_type="IMAGE"} 2',
          'harbor_project_artifact_total{project_name="shown",public="false",artifact_type="CHART"} 1',
          'harbor_artifact_pulled{project_name="library"} 0',
          'harbor_statistics_total_project_amount 2',
          'harbor_statistics_public_project_amount 1',
          'harbor_statistics_private_project_amount 1',
          'harbor_statistics_total_repo_amount 3',
          'harbor_statistics_public_repo_amount 1',
          'harbor_statistics_private_repo_amount 2',
        ]),
      )
    const names = (await series()).map((line) => line.split(/[{ ]/)[0])
    expect(names).toEqual(
      expect.arrayContaining(['harbor_statistics_total_storage_consumption', 'harbor_project_quota_usage_byte']),
    )
  })

  it('are counted by the clock, not by whoever reads them', async () => {
    const asked = () => surroundings.peers.content.asked.filter((subject) => subject === 'statistics.count').length
    const before = asked()
    for (let n = 0; n < 5; n++) await series()
    expect(asked()).toBe(before)
  })
})
