import { describe, expect, it } from 'vitest'
import { gatherPulls, type Pull } from './gather-pulls.ts'

const pull = (over: Partial<Pull> = {}): Pull => ({
  projectId: 1,
  repositoryId: 2,
  repository: 'library/app',
  manifestId: 3,
  digest: 'sha256:a',
  mediaType: 'x/y',
  ...over,
})
const at = (second: number) => new Date(second * 1_000)

describe('gathered pulls', () => {
  it('are one entry for each artifact, tag and actor, with the time of the last', () => {
    const pulls = gatherPulls(10)
    for (const second of [2, 3, 1]) pulls.add(pull({ tag: '1', actor: 'alice' }), 1, at(second))
    pulls.add(pull({ tag: '1', actor: 'bob' }), 1, at(4))
    pulls.add(pull({ actor: 'alice' }), 1, at(5))
    pulls.add(pull({ manifestId: 4, tag: '1', actor: 'alice' }), 2, at(6))
    pulls.add(pull({ tag: '1' }), 1, at(7))
    expect(pulls.count).toBe(8)
    expect(
      pulls.take().map(({ manifestId, tag, actor, count, pulledAt }) => [manifestId, tag, actor, count, pulledAt]),
    ).toEqual([
      [3, '1', 'alice', 3, at(3)],
      [3, '1', 'bob', 1, at(4)],
      [3, undefined, 'alice', 1, at(5)],
      [4, '1', 'alice', 2, at(6)],
      [3, '1', undefined, 1, at(7)],
    ])
    expect([pulls.count, pulls.take()]).toEqual([0, []])
  })

  it('have the address the last of them came from', () => {
    const pulls = gatherPulls(10)
    for (const [second, address] of [
      [2, 'b'],
      [3, 'c'],
      [1, 'a'],
    ] as const)
      pulls.add(pull({ address }), 1, at(second))
    expect(pulls.take().map(({ address, count }) => [address, count])).toEqual([['c', 3]])
  })

  it('take no more different ones than they may hold', () => {
    const pulls = gatherPulls(2)
    expect([1, 2, 3].map((manifestId) => pulls.add(pull({ manifestId }), 1, at(1)))).toEqual([true, true, false])
    expect(pulls.add(pull({ manifestId: 2 }), 5, at(2))).toBe(true)
    expect([pulls.count, pulls.take().length]).toEqual([7, 2])
    expect(pulls.add(pull({ manifestId: 3 }), 1, at(1))).toBe(true)
  })
})
