import { BadRequest } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { formatScope, parseScopes } from './index.ts'

const repository = (name: string, ...actions: string[]) => ({ type: 'repository', name, actions })

describe('scopes', () => {
  it('may be repeated, divided by spaces, and name ports and several actions', () => {
    expect(parseScopes(['repository:a/b:pull,push repository:c:pull', ' registry:catalog:* ', ''])).toEqual([
      repository('a/b', 'pull', 'push'),
      repository('c', 'pull'),
      { type: 'registry', name: 'catalog', actions: ['*'] },
    ])
    expect(parseScopes(['repository:host:5000/a/b:pull'])).toEqual([repository('host:5000/a/b', 'pull')])
    expect(parseScopes(['repository(plugin):a/b:pull'])).toMatchObject([{ type: 'repository(plugin)' }])
  })

  it('stay apart when two are asked for one repository', () => {
    expect(parseScopes(['repository:a:pull', 'repository:a:push'])).toEqual([
      repository('a', 'pull'),
      repository('a', 'push'),
    ])
  })

  it('hold each action once, and may hold none', () => {
    expect(parseScopes(['repository:a:pull,pull,,push', 'repository:a:'])).toEqual([
      repository('a', 'pull', 'push'),
      repository('a'),
    ])
  })

  it.each([
    'everything',
    'repository:a',
    ':a:pull',
    'repository::pull',
    'repository:a:PULL',
    `repository:${'a'.repeat(600)}:pull`,
  ])('are refused outside the grammar: %s', (text) => {
    expect(() => parseScopes([text])).toThrow(BadRequest)
  })

  it('are a hundred at most, also when a thousand come in one text', () => {
    const many = (count: number) => Array.from({ length: count }, (_, n) => `repository:a/${n}:pull`)
    expect(parseScopes(many(100))).toHaveLength(100)
    expect(() => parseScopes(many(101))).toThrow(BadRequest)
    expect(() => parseScopes([many(1_000).join(' ')])).toThrow(BadRequest)
  })

  it('read the same after they were written', () => {
    const scopes = [repository('a/b', 'pull', 'push'), { type: 'registry', name: 'catalog', actions: ['*'] }]
    expect(parseScopes(scopes.map(formatScope))).toEqual(scopes)
  })
})
