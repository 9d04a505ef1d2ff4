import { BadRequest } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { parseListQuery, parseSort } from './list-query.ts'

describe('a list query', () => {
  it('has no terms when it is absent or empty', () => {
    expect(parseListQuery(undefined)).toEqual([])
    expect(parseListQuery('')).toEqual([])
  })

  it.each([
    ['name=library', [{ key: 'name', kind: 'exact', value: 'library' }]],
    ['name=~lib', [{ key: 'name', kind: 'contains', value: 'lib' }]],
    ['name=~', [{ key: 'name', kind: 'contains', value: '' }]],
    ['id=[1~5]', [{ key: 'id', kind: 'range', min: '1', max: '5' }]],
    ['id=[~5]', [{ key: 'id', kind: 'range', min: undefined, max: '5' }]],
    ['id=[1~]', [{ key: 'id', kind: 'range', min: '1', max: undefined }]],
    ['id={1 2 3}', [{ key: 'id', kind: 'any', values: ['1', '2', '3'] }]],
    ['id=(1 2)', [{ key: 'id', kind: 'all', values: ['1', '2'] }]],
    ['name={"a b" c}', [{ key: 'name', kind: 'any', values: ['a b', 'c'] }]],
    ['name="12"', [{ key: 'name', kind: 'exact', value: '12' }]],
    ['name=\\~tilde', [{ key: 'name', kind: 'exact', value: '~tilde' }]],
    ['name=a=b', [{ key: 'name', kind: 'exact', value: 'a=b' }]],
    ['tags=nil', [{ key: 'tags', kind: 'exact', value: 'nil' }]],
    ['name%3D~lib', [{ key: 'name', kind: 'contains', value: 'lib' }]],
    ['name=100%', [{ key: 'name', kind: 'exact', value: '100%' }]],
  ])('reads %s', (text, terms) => {
    expect(parseListQuery(text)).toEqual(terms)
  })

  it('reads several terms and keeps the last of a key named twice', () => {
    expect(parseListQuery('name=a,public=true,name=~b')).toEqual([
      { key: 'name', kind: 'contains', value: 'b' },
      { key: 'public', kind: 'exact', value: 'true' },
    ])
  })

  it.each(['name', '=a', 'name=', 'a=1,', 'id=[1', 'id=[1~2~3]', 'id=[~]', 'id=[5]', 'id={1', 'id={}', 'id=( )'])(
    'refuses %s',
    (text) => {
      expect(() => parseListQuery(text)).toThrow(BadRequest)
    },
  )

  it('is bounded in length, terms and values', () => {
    expect(() => parseListQuery(`a=${'x'.repeat(5_000)}`)).toThrow('too long')
    expect(() => parseListQuery(Array.from({ length: 21 }, (_, n) => `k${n}=1`).join(','))).toThrow('at most 20 terms')
    expect(() => parseListQuery(`a={${Array.from({ length: 101 }, () => '1').join(' ')}}`)).toThrow(
      'at most 100 values',
    )
  })
})

describe('sorting', () => {
  it('reads columns and turns round those with a minus', () => {
    expect(parseSort('name,-creation_time')).toEqual([
      { key: 'name', descending: false },
      { key: 'creation_time', descending: true },
    ])
  })

  it('has no keys when there is nothing to sort by', () => {
    expect(parseSort(undefined)).toEqual([])
    expect(parseSort(',-, ')).toEqual([])
  })
})
