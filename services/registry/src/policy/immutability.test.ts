import { parseRepositoryName } from '@berth/oci'
import { ImmutabilityRule } from '@berth/types'
import { describe, expect, it } from 'vitest'
import { compileRules, isImmutable } from './immutability.ts'

const on = (pattern: string) => ({ pattern, excludes: false })
const off = (pattern: string) => ({ pattern, excludes: true })
const rule = (repositories: ReturnType<typeof on>[], tags: ReturnType<typeof on>[]) =>
  ImmutabilityRule.parse({ repositories, tags })

describe('the rules of a project', () => {
  it('protect what every selector of one of them holds for, not the first selector only', () => {
    const holds = compileRules([
      rule([on('**'), off('sandbox/**')], [on('v*'), off('*-rc*'), off('*-dev')]),
      rule([on('tools')], [on('{stable,lts}')]),
    ])
    const cases: [string, string, boolean][] = [
      ['app', 'v1', true],
      ['team/app', 'v1.2', true],
      ['app', 'v1-rc1', false],
      ['app', 'v1-dev', false],
      ['sandbox/app', 'v1', false],
      ['sandbox', 'v1', false],
      ['app', '1', false],
      ['tools', 'lts', true],
      ['tools', 'edge', false],
      ['app', 'stable', false],
    ]
    for (const [repository, tag, expected] of cases) {
      expect([repository, tag, holds(repository, tag)]).toEqual([repository, tag, expected])
    }
  })

  it('protect everything a rule without selectors could mean, and what an unreadable pattern could', () => {
    expect(compileRules([rule([], [])])('app', '1')).toBe(true)
    expect(compileRules([])('app', '1')).toBe(false)
    for (const pattern of ['[', '{a', '\\']) {
      expect(compileRules([rule([on('app')], [on(pattern)])])('app', '1')).toBe(true)
      expect(compileRules([rule([on('app')], [off(pattern)])])('app', '1')).toBe(true)
      expect(compileRules([rule([on('app')], [on(pattern)])])('other', '1')).toBe(false)
    }
  })

  it('are held against names without their project, as they are at each revision', () => {
    const name = parseRepositoryName('library/team/app')
    const facts = (project_revision: number, pattern: string) => ({
      project_id: 1,
      project_revision,
      immutability_rules: [rule([on(pattern)], [on('v*')])],
    })
    expect(isImmutable(facts(1, 'team/*'), name, 'v1')).toBe(true)
    expect(isImmutable(facts(2, 'library/**'), name, 'v1')).toBe(false)
    expect(isImmutable(facts(3, '*/app'), name, 'v1')).toBe(true)
    expect(isImmutable({ ...facts(4, '**'), immutability_rules: null }, name, 'v1')).toBe(false)
    expect(isImmutable({ ...facts(3, '*/app'), project_id: 2, immutability_rules: [] }, name, 'v1')).toBe(false)
  })
})
