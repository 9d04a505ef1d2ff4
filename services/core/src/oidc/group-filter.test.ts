import { BadRequest } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { filterGroups } from './group-filter.ts'

describe('the filter of groups', () => {
  const names = ['registry-dev', 'registry-ops', 'Registry-QA', 'payroll']

  it('keeps what its expression is found in', () => {
    expect(filterGroups(names, '^registry-')).toEqual(['registry-dev', 'registry-ops'])
    expect(filterGroups(names, 'roll')).toEqual(['payroll'])
  })

  it('keeps all when it is empty', () => {
    expect(filterGroups(names, '')).toEqual(names)
  })

  it('takes flags in front', () => {
    expect(filterGroups(names, '(?i)^registry-')).toEqual(['registry-dev', 'registry-ops', 'Registry-QA'])
  })

  it('refuses what is no expression, and one without end', () => {
    expect(() => filterGroups(names, '(')).toThrow(BadRequest)
    expect(() => filterGroups(names, 'x'.repeat(1_001))).toThrow(BadRequest)
  })

  it('gives up on an expression that would search for ever', () => {
    expect(() => filterGroups([`${'a'.repeat(60)}!`], '^(a+)+$')).toThrow('too long')
  })

  it('runs nothing that stands in a name or in the expression', () => {
    expect(filterGroups(['");process.exit(1);("', 'x'], 'process')).toEqual(['");process.exit(1);("'])
  })
})
