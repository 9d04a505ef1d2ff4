import { TooManyRequests } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { createTurnstile } from './turnstile.ts'

const soon = () => new Promise((resolve) => setImmediate(resolve))

describe('a turnstile', () => {
  it('lets one through at a time, in order', async () => {
    const turnstile = createTurnstile({ maxWaiting: 10 })
    const seen: string[] = []
    const work = (name: string) => async () => {
      seen.push(`${name} in`)
      await soon()
      seen.push(`${name} out`)
      return name
    }
    expect(await Promise.all(['a', 'b', 'c'].map((name) => turnstile(work(name))))).toEqual(['a', 'b', 'c'])
    expect(seen).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
  })

  it('goes on after work that failed', async () => {
    const turnstile = createTurnstile({ maxWaiting: 10 })
    await expect(turnstile(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    expect(await turnstile(async () => 'fine')).toBe('fine')
  })

  it('refuses who would wait too long, and lets others in again later', async () => {
    const turnstile = createTurnstile({ maxWaiting: 2 })
    const first = [turnstile(soon), turnstile(soon)]
    await expect(turnstile(soon)).rejects.toThrow(TooManyRequests)
    await Promise.all(first)
    await turnstile(soon)
  })
})
