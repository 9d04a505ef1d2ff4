import type { GrantedAccess, Scope } from '@berth/types'
import { describe, expect, it } from 'vitest'
import { narrow } from './narrow.ts'

const scope = (name: string, ...actions: string[]): Scope => ({ type: 'repository', name, actions })
const granted = (name: string, ...actions: string[]): GrantedAccess => ({
  ...scope(name, ...actions),
  project: 1,
  rev: 2,
})

describe('what goes into a token', () => {
  it('is never more than was asked', () => {
    expect(narrow([scope('a/b', 'pull')], [granted('a/b', 'pull', 'push', 'delete')], 'user')).toEqual([
      granted('a/b', 'pull'),
    ])
  })

  it('is never more than was granted, also for everything', () => {
    expect(narrow([scope('a/b', 'pull', 'push')], [granted('a/b', 'pull')], 'robot')).toEqual([granted('a/b', 'pull')])
    expect(narrow([scope('a/b', '*')], [granted('a/b', 'pull')], 'robot')).toEqual([granted('a/b', 'pull')])
  })

  it('is pulling at most for nobody in particular, and nothing but of a repository', () => {
    const catalog: Scope = { type: 'registry', name: 'catalog', actions: ['*'] }
    expect(
      narrow([scope('a/b', 'pull', 'push'), catalog], [granted('a/b', 'pull', 'push'), catalog], 'anonymous'),
    ).toEqual([granted('a/b', 'pull'), { ...catalog, actions: [] }])
  })

  it('does not carry the actions of one repository over to another', () => {
    const asked = [scope('a/b', 'pull'), scope('a/c', 'push')]
    expect(narrow(asked, [granted('a/b', 'pull'), granted('a/c', 'push')], 'user')).toEqual([
      granted('a/b', 'pull'),
      granted('a/c', 'push'),
    ])
    expect(narrow(asked, [granted('a/c', 'push'), granted('a/b', 'pull')], 'user')).toEqual([
      scope('a/b'),
      scope('a/c'),
    ])
  })

  it('is one entry for one repository asked for twice', () => {
    const asked = [scope('a/b', 'pull'), scope('a/b', 'push')]
    expect(narrow(asked, [granted('a/b', 'pull'), granted('a/b', 'push')], 'user')).toEqual([
      granted('a/b', 'pull', 'push'),
    ])
  })

  it('says of what it does not allow that it allows nothing', () => {
    expect(narrow([scope('gone/x', 'pull')], [scope('gone/x')], 'user')).toEqual([scope('gone/x')])
    expect(narrow([scope('gone/x', 'pull')], [], 'user')).toEqual([scope('gone/x')])
  })
})
