import type { GrantedAccess } from '@berth/types'
import { describe, expect, it } from 'vitest'
import { findAccess } from './index.ts'

const repository = (name: string, ...actions: string[]): GrantedAccess => ({
  type: 'repository',
  name,
  actions,
  project: 7,
  rev: 3,
})
const claims = { access: [repository('a', 'pull'), repository('b/c', 'push'), repository('d/e', 'pull', 'push')] }

describe('what a token allows', () => {
  it('is what it says, with the project and the revision it was judged by', () => {
    // A project made again has another id, and one whose members changed another revision: the registry compares both.
    expect(findAccess(claims, 'repository', 'a', 'pull')).toMatchObject({ project: 7, rev: 3 })
  })

  it.each<[string, string, string, string]>([
    ['a repository below it', 'repository', 'a/b', 'pull'],
    ['its name in other letters', 'repository', 'A', 'pull'],
    ['its name with a space', 'repository', 'a ', 'pull'],
    ['another type of the same name', 'registry', 'a', 'pull'],
    ['deleting, with a token to push', 'repository', 'b/c', 'delete'],
    ['pulling, with a token to push', 'repository', 'b/c', 'pull'],
    ['pushing, with a token to pull', 'repository', 'a', 'push'],
    ['mounting from what it may not pull', 'repository', 'x/y', 'pull'],
    ['what two entries would give together', 'repository', 'a', 'push'],
  ])('is not %s', (_, type, name, action) => {
    expect(findAccess(claims, type, name, action)).toBeUndefined()
  })

  it('is not everything because it says "*"', () => {
    const star = { access: [repository('a', '*'), repository('*', 'pull')] }
    expect(findAccess(star, 'repository', 'a', 'delete')).toBeUndefined()
    expect(findAccess(star, 'repository', 'b', 'pull')).toBeUndefined()
  })
})
