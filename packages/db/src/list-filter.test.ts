import { BadRequest } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { containsPattern, filterSql, type ListColumns, sortSql } from './list-filter.ts'
import { parseListQuery, parseSort } from './list-query.ts'

const columns: ListColumns = {
  name: { sql: 'p.name', type: 'text' },
  id: { sql: 'p.id', type: 'integer' },
  public: { sql: 'p.public', type: 'boolean' },
  creation_time: { sql: 'p.created_at', type: 'time' },
}

function filter(q: string): { sql: string; values: unknown[] } {
  const values: unknown[] = ['before']
  return { sql: filterSql(parseListQuery(q), columns, values), values: values.slice(1) }
}

describe('a filter', () => {
  it.each([
    ['name=library', 'p.name = $2', ['library']],
    ['name=~a_b%', 'p.name ILIKE $2', ['%a\\_b\\%%']],
    ['id=[1~5]', '(p.id >= $2::bigint AND p.id <= $3::bigint)', [1, 5]],
    ['id=[~5]', '(p.id <= $2::bigint)', [5]],
    ['id={1 2}', '(p.id = $2::bigint OR p.id = $3::bigint)', [1, 2]],
    ['id=(1 2)', '(p.id = $2::bigint AND p.id = $3::bigint)', [1, 2]],
    ['public=true', 'p.public = $2', [true]],
    ['public=0', 'p.public = $2', [false]],
    ['name=5', 'p.name = $2', ['5']],
    ['creation_time=2026-01-02T15:04:05', 'p.created_at = $2', [new Date('2026-01-02T15:04:05Z')]],
    ['creation_time=[2026-01-02~]', '(p.created_at >= $2)', [new Date('2026-01-02T00:00:00Z')]],
    ['name=a,id=3', 'p.name = $2 AND p.id = $3::bigint', ['a', 3]],
  ])('makes %s a condition with numbered values', (q, sql, values) => {
    expect(filter(q)).toEqual({ sql, values })
  })

  it('leaves out columns that are not listed, so that a hidden one tells nothing', () => {
    expect(filter('password_hash=~$argon2')).toEqual({ sql: 'true', values: [] })
    expect(filter('constructor=1,__proto__=1,toString=~x')).toEqual({ sql: 'true', values: [] })
  })

  it('never puts input into the SQL', () => {
    const evil = "x' OR 1=1 --"
    const { sql, values } = filter(`name=${evil}`)
    expect(sql).toBe('p.name = $2')
    expect(values).toEqual([evil])
  })

  it.each([
    'id=abc',
    'id=1.5',
    'id=99999999999999999999',
    'id=~1',
    'public=maybe',
    'creation_time=yesterday',
    'creation_time=2026-13-40',
    'name=a\0b',
    'name=~a\0b',
  ])('refuses %s, which its column cannot be', (q) => {
    expect(() => filter(q)).toThrow(BadRequest)
  })
})

describe('an order', () => {
  it('knows listed columns, leaves out the others and ends with its own', () => {
    expect(sortSql(parseSort('-creation_time,password_hash,name'), columns, 'p.id')).toBe(
      'p.created_at DESC, p.name ASC, p.id',
    )
    expect(sortSql([], columns, 'p.name, p.id')).toBe('p.name, p.id')
  })
})

describe('a pattern', () => {
  it('takes wildcards and backslashes literally', () => {
    expect(containsPattern('50%_\\')).toBe('%50\\%\\_\\\\%')
  })
})
