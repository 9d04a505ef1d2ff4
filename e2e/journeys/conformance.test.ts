import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, type Person, ROLE } from '../src/api.ts'
import { SUBJECTS } from '../src/conformance/report.ts'
import { runConformance } from '../src/conformance/run.ts'
import { figure } from '../src/figures.ts'
import { type Suite, startSuite } from '../src/suite.ts'

/** Fewer checks than these were not made by leaving some out. */
const FLOOR = { stable: 750, dev: 870 } as const

describe('the distribution API, through the gateway with tokens', () => {
  let suite: Suite
  let person: Person

  beforeAll(async () => {
    suite = await startSuite()
    const admin = Api.admin(suite)
    person = await admin.createUser('connie')
    await admin.createProject('conformance')
    await admin.addMember('conformance', person, ROLE.maintainer)
  })

  afterAll(() => suite?.stop())

  for (const profile of ['stable', 'dev'] as const) {
    it(`passes every check of the ${profile} profile`, async () => {
      const [repository, other] = [`conformance/${profile}`, `conformance/${profile}-other`]
      const report = await runConformance({ base: suite.url, person, repository, other, profile })
      await figure(`distribution API, ${profile}`, { passed: report.passes, failed: report.failures.length })
      expect(report.failures).toEqual([])
      const tagged = SUBJECTS.filter((subject) => profile === 'dev' || subject !== 'manifest put with tags')
      expect(tagged.filter((subject) => !report.passed.has(subject))).toEqual([])
      expect(report.passes).toBeGreaterThanOrEqual(FLOOR[profile])
    })
  }
})
