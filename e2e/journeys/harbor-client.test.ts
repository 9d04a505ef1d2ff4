import { afterAll, beforeAll, expect, it } from 'vitest'
import { Api } from '../src/api.ts'
import { basic } from '../src/http.ts'
import { makeImage } from '../src/images/image.ts'
import { run } from '../src/process.ts'
import { RegistryClient } from '../src/registry-client.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openHarborClient } from '../tools/harbor-client.ts'

let suite: Suite
let program: string

beforeAll(async () => {
  program = await openHarborClient()
  suite = await startSuite()
  await Api.admin(suite).createProject('strict')
  const client = new RegistryClient(suite.url, basic('admin', suite.adminPassword))
  await client.pushImage('strict/team/app', '1', await makeImage({ name: 'strict', layerBytes: [3000] }))
}, 1_500_000)

afterAll(() => suite?.stop())

it("Harbor's own Go client goes through people, projects and content, and every answer fits its models", async () => {
  const { code, output, stdout } = await run(program, [], {
    env: {
      HARBOR_URL: suite.url,
      HARBOR_USERNAME: 'admin',
      HARBOR_PASSWORD: suite.adminPassword,
      HARBOR_PROJECT: 'strict',
      HARBOR_REPOSITORY: 'team/app',
      HARBOR_TAG: '1',
    },
  })
  expect(output).not.toContain('FAILED')
  expect(code, output).toBe(0)
  const features = new Set([...stdout.matchAll(/^ok (\w+):/gm)].map(([, feature]) => feature))
  expect([...features].toSorted()).toEqual(
    ['content', 'group', 'immutability', 'label', 'member', 'project', 'quota', 'robot', 'system', 'user'].toSorted(),
  )
})
