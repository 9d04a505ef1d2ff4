import { Conflict, NotFound, PreconditionFailed } from '@berth/errors'
import { describe, expect, it, vi } from 'vitest'
import type { Entered } from '../project/index.ts'
import { hasCode, judged, untilDone } from './judge.ts'

const entered = (accessRevision: number) => ({ project: { id: 1, accessRevision } }) as unknown as Entered

describe('what is judged', () => {
  it('is done once when nothing changes', async () => {
    const enter = vi.fn(async () => [entered(1)] as const)
    expect(await judged(enter, async ([{ project }]) => project.accessRevision)).toBe(1)
    expect(enter).toHaveBeenCalledTimes(1)
  })

  it('is judged and done again when access has changed in between', async () => {
    let revision = 0
    const enter = async () => [entered(++revision)] as const
    const work = async ([{ project }]: readonly [Entered]) => {
      if (project.accessRevision === 1) throw new PreconditionFailed('the project has been changed meanwhile')
      return project.accessRevision
    }
    expect(await judged(enter, work)).toBe(2)
  })

  it('is refused when the caller may no longer', async () => {
    const enter = vi.fn(async () => [entered(1)] as const)
    enter.mockResolvedValueOnce([entered(1)]).mockRejectedValueOnce(new NotFound('gone'))
    const work = async () => {
      throw new PreconditionFailed('the project has been changed meanwhile')
    }
    await expect(judged(enter, work)).rejects.toThrow('gone')
  })

  it('stays refused for what has nothing to do with access', async () => {
    const work = vi.fn(async () => {
      throw new PreconditionFailed('a tag is immutable')
    })
    await expect(judged(async () => [entered(1)] as const, work)).rejects.toThrow('a tag is immutable')
    const other = vi.fn(async () => {
      throw new Conflict('taken')
    })
    await expect(judged(async () => [entered(1)] as const, other)).rejects.toThrow('taken')
    expect([work, other].map((one) => one.mock.calls.length)).toEqual([1, 1])
  })
})

describe('long work', () => {
  it('is asked for until it is done', async () => {
    expect(await untilDone(async (turn) => ({ done: turn === 3, turn }))).toEqual({ done: true, turn: 3 })
  })

  it('ends with what goes wrong', async () => {
    const turn = async (number: number) => {
      if (number === 1) throw new NotFound('gone')
      return { done: false }
    }
    await expect(untilDone(turn)).rejects.toThrow('gone')
  })

  it('is broken off after minutes, and says that it can be gone on with', async () => {
    const now = vi.spyOn(performance, 'now')
    let ms = 0
    now.mockImplementation(() => {
      ms += 100_000
      return ms
    })
    try {
      await expect(untilDone(async () => ({ done: false }))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    } finally {
      now.mockRestore()
    }
  })
})

describe('a code', () => {
  it('is known of errors of ours alone', () => {
    expect(hasCode(new NotFound('x'), 'NOT_FOUND')).toBe(true)
    expect(hasCode(new NotFound('x'), 'CONFLICT')).toBe(false)
    expect(hasCode(Object.assign(new Error('x'), { code: 'NOT_FOUND' }), 'NOT_FOUND')).toBe(false)
  })
})
