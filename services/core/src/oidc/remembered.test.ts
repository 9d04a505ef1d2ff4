import { describe, expect, it } from 'vitest'
import { createRemembered } from './remembered.ts'

function setUp() {
  let time = 0
  const asked: string[] = []
  const remembered = createRemembered<string>({ maxAgeMs: 10, maxStaleMs: 100, retryMs: 5, now: () => time })
  const ask = (key: string, answer: string | Error) =>
    remembered(key, async () => {
      asked.push(key)
      if (answer instanceof Error) throw answer
      return answer
    })
  const pass = (ms: number) => {
    time += ms
  }
  return { ask, asked, pass }
}

describe('what is remembered of a provider', () => {
  it('is asked once for all who want it at the same time, and again when it is old', async () => {
    const { ask, asked, pass } = setUp()
    expect(await Promise.all([ask('a', '1'), ask('a', '2')])).toEqual(['1', '1'])
    expect(await ask('a', '3')).toBe('1')
    pass(10)
    expect(await ask('a', '4')).toBe('4')
    expect(asked).toEqual(['a', 'a'])
  })

  it('serves a while longer when nobody answers, and not for ever', async () => {
    const { ask, pass } = setUp()
    await ask('a', '1')
    pass(50)
    expect(await ask('a', new Error('away'))).toBe('1')
    pass(50)
    await expect(ask('a', new Error('away'))).rejects.toThrow('away')
  })

  it('is not asked for with every request while nobody answers', async () => {
    const { ask, asked, pass } = setUp()
    await ask('a', '1')
    pass(10)
    for (let round = 0; round < 3; round++) expect(await ask('a', new Error('away'))).toBe('1')
    expect(asked).toEqual(['a', 'a'])
    pass(5)
    expect(await ask('a', '2')).toBe('2')
  })

  it('never serves for another provider', async () => {
    const { ask } = setUp()
    await ask('a', '1')
    await expect(ask('b', new Error('away'))).rejects.toThrow('away')
    expect(await ask('b', '2')).toBe('2')
  })

  it('asks again after a failure', async () => {
    const { ask } = setUp()
    await expect(ask('a', new Error('away'))).rejects.toThrow('away')
    expect(await ask('a', '1')).toBe('1')
  })
})
