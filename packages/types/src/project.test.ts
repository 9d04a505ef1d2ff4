import { expect, it } from 'vitest'
import { ProjectPolicy } from './project.ts'

const rule = (pattern: string) => {
  const selectors = Array.from({ length: 8 }, () => ({ pattern, excludes: false }))
  return { repositories: selectors, tags: selectors }
}

it('fits into one message at its largest', () => {
  const largest = ProjectPolicy.parse({
    immutabilityRules: Array.from({ length: 100 }, () => rule('x'.repeat(256))),
    cveAllowlist: Array.from({ length: 5_000 }, () => 'x'.repeat(32)),
  })
  expect(Buffer.byteLength(JSON.stringify(largest))).toBeLessThan(900_000)
})

it.each(['a\0b', '\ud800', ''])('takes no pattern Postgres could not keep: %j', (pattern) => {
  expect(ProjectPolicy.safeParse({ immutabilityRules: [rule(pattern)] }).success).toBe(false)
})
