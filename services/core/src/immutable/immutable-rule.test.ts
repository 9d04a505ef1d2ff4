import { BadRequest } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { fingerprintOf, parseSelectors, RawImmutableRule, requireWhole, toRuleBody } from './immutable-rule.ts'

const parse = (raw: object) => parseSelectors(RawImmutableRule.parse(raw))
const tag = (pattern: string, decoration = 'matches') => ({ kind: 'doublestar', decoration, pattern })
const repository = (pattern: string, decoration = 'repoMatches') => ({ kind: 'doublestar', decoration, pattern })

const WHOLE = {
  action: 'immutable',
  template: 'immutable_template',
  tag_selectors: [tag('v*'), tag('*-rc*', 'excludes')],
  scope_selectors: { repository: [repository('**'), repository('sandbox/**', 'repoExcludes')] },
}

describe('a rule for immutable tags', () => {
  it('reads every selector of both lists', () => {
    expect(parse(WHOLE)).toEqual({
      tags: [
        { pattern: 'v*', excludes: false },
        { pattern: '*-rc*', excludes: true },
      ],
      repositories: [
        { pattern: '**', excludes: false },
        { pattern: 'sandbox/**', excludes: true },
      ],
    })
  })

  it('is shown as it was written', () => {
    const rule = { id: 5, disabled: true, ...requireWhole(parse(WHOLE)) }
    expect(toRuleBody(rule)).toMatchObject({ id: 5, disabled: true, priority: 0, params: {}, ...WHOLE })
  })

  it('takes what Harbor leaves out for what it can only be', () => {
    const bare = { tag_selectors: [{ pattern: 'a' }], scope_selectors: { repository: [{ pattern: 'b' }] } }
    expect(parse(bare)).toEqual({
      tags: [{ pattern: 'a', excludes: false }],
      repositories: [{ pattern: 'b', excludes: false }],
    })
  })

  it('is whole with both lists alone', () => {
    for (const part of ['tag_selectors', 'scope_selectors']) {
      expect(() => requireWhole(parse({ ...WHOLE, [part]: undefined }))).toThrow(BadRequest)
    }
    expect(() => requireWhole(parse({ ...WHOLE, scope_selectors: {} }))).toThrow(BadRequest)
  })

  it.each([
    { action: 'retain' },
    { template: 'always' },
    { tag_selectors: [] },
    { tag_selectors: Array.from({ length: 9 }, (_, n) => tag(`v${n}`)) },
    { tag_selectors: [{ ...tag('v*'), kind: 'regexp' }] },
    { tag_selectors: [tag('v*', 'toString')] },
    { tag_selectors: [tag('')] },
    { tag_selectors: [tag('[')] },
    { tag_selectors: [tag('{a,b')] },
    { tag_selectors: [tag('x'.repeat(257))] },
    { tag_selectors: [tag('v\u0000')] },
    { tag_selectors: [tag('ü')] },
    { scope_selectors: { repository: [] } },
    { scope_selectors: { repository: [repository('**')], project: [repository('**')] } },
  ])('is refused with %j', (part) => {
    expect(() => parse({ ...WHOLE, ...part })).toThrow(BadRequest)
  })

  it('is the same as another by all its words', () => {
    const one = requireWhole(parse(WHOLE))
    expect(fingerprintOf(one)).toEqual(fingerprintOf(requireWhole(parse(structuredClone(WHOLE)))))
    const others = [
      { ...one, tags: one.tags.slice(1) },
      { ...one, tags: one.tags.map((selector) => ({ ...selector, excludes: false })) },
      { repositories: one.tags, tags: one.repositories },
    ]
    for (const other of others) expect(fingerprintOf(other)).not.toEqual(fingerprintOf(one))
  })
})
