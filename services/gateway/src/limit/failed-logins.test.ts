import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type FailedLogins, limitFailedLogins } from './failed-logins.ts'

const ADDRESS = '192.0.2.1'
const here = new AbortController().signal
const settled = () => vi.advanceTimersByTimeAsync(0)

let limits: FailedLogins
let refused: number
beforeEach(() => {
  vi.useFakeTimers()
  refused = 0
  limits = limitFailedLogins({ perMinute: 5, onRefused: () => refused++ })
})
afterEach(() => vi.useRealTimers())

async function tryOnce(credential: string, verdict: 'good' | 'bad' | 'unknown', address = ADDRESS): Promise<void> {
  const admission = await limits.admit(address, credential, here)
  admission.settle(verdict)
  await settled()
}

describe('an address', () => {
  it('that has failed too often is refused until its minute is over', async () => {
    for (let i = 0; i < 5; i++) await tryOnce(`guess-${i}`, 'bad')
    await expect(limits.admit(ADDRESS, 'guess-6', here)).rejects.toMatchObject({ retryAfterSeconds: 60 })
    await vi.advanceTimersByTimeAsync(30_000)
    await expect(limits.admit(ADDRESS, 'guess-6', here)).rejects.toMatchObject({ retryAfterSeconds: 30 })
    await vi.advanceTimersByTimeAsync(31_000)
    await expect(tryOnce('guess-6', 'bad')).resolves.toBeUndefined()
    expect(refused).toBe(2)
  })

  it('may succeed as often as it likes', async () => {
    for (let i = 0; i < 1000; i++) await tryOnce(`node-${i}`, 'good')
    expect(refused).toBe(0)
  })

  it('is charged little for one wrong credential over and over, which alone is refused', async () => {
    for (let i = 0; i < 5; i++) await tryOnce('old password', 'bad')
    await expect(limits.admit(ADDRESS, 'old password', here)).rejects.toMatchObject({ retryAfterSeconds: 60 })
    for (let i = 0; i < 100; i++) await tryOnce(`node-${i}`, 'good')
  })

  it('is not blamed for answers that say nothing of its credentials', async () => {
    for (let i = 0; i < 100; i++) await tryOnce(`guess-${i}`, 'unknown')
    expect(refused).toBe(0)
  })

  it('over its limit goes on with credentials that were good before, and nobody else’s goodness helps', async () => {
    await tryOnce('node', 'good')
    for (let i = 0; i < 5; i++) await tryOnce(`guess-${i}`, 'bad')
    await tryOnce('node', 'good')
    await expect(limits.admit(ADDRESS, 'stranger', here)).rejects.toThrow('too many')
    await tryOnce('anybody', 'bad', '192.0.2.2')
  })

  it('does not keep the trust in a credential that has stopped being good, nor for ever', async () => {
    await tryOnce('changed', 'good')
    await tryOnce('old', 'good')
    for (let i = 0; i < 5; i++) await tryOnce(`guess-${i}`, 'bad')
    await tryOnce('changed', 'bad')
    await expect(limits.admit(ADDRESS, 'changed', here)).rejects.toThrow('too many')
    await vi.advanceTimersByTimeAsync(3_600_001)
    for (let i = 0; i < 5; i++) await tryOnce(`guess-${i}`, 'bad')
    await expect(limits.admit(ADDRESS, 'old', here)).rejects.toThrow('too many')
  })
})

describe('many at once', () => {
  it('make no more guesses than one after the other', async () => {
    let guesses = 0
    const attempts = Array.from({ length: 200 }, async (_, i) => {
      const admission = await limits.admit(ADDRESS, `guess-${i}`, here)
      guesses++
      await new Promise((resolve) => setTimeout(resolve, 10))
      admission.settle('bad')
    })
    const outcomes = Promise.allSettled(attempts)
    await vi.advanceTimersByTimeAsync(1_000)
    expect((await outcomes).filter(({ status }) => status === 'rejected')).toHaveLength(195)
    expect(guesses).toBe(5)
  })

  it('with good credentials all get through, in turn or together', async () => {
    const attempts = Array.from({ length: 1000 }, async (_, i) => {
      const admission = await limits.admit(ADDRESS, `node-${i % 700}`, here)
      await new Promise((resolve) => setTimeout(resolve, 10))
      admission.settle('good')
    })
    const outcomes = Promise.all(attempts)
    await vi.advanceTimersByTimeAsync(5_000)
    await expect(outcomes).resolves.toHaveLength(1000)
  })

  it('do not wait for one that never ends, nor behind one that has gone', async () => {
    const admissions = await Promise.all([1, 2, 3, 4, 5].map((i) => limits.admit(ADDRESS, `slow-${i}`, here)))
    const gone = new AbortController()
    const left = limits.admit(ADDRESS, 'gone', gone.signal)
    const next = limits.admit(ADDRESS, 'next', here)
    const late = limits.admit(ADDRESS, 'late', here)
    const refusal = expect(late).rejects.toThrow('too many')
    gone.abort()
    await left
    admissions[0]?.settle('good')
    await expect(next).resolves.toBeDefined()
    await vi.advanceTimersByTimeAsync(10_001)
    await refusal
  })
})
