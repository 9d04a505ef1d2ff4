import { TooManyRequests } from '@berth/errors'
import { expect, it } from 'vitest'
import { createSlots } from './slots.ts'

it('lets so many in at once, the others in turn, and refuses who would wait too long', async () => {
  const inTurn = createSlots({ atOnce: 2, maxWaiting: 2 })
  const began: number[] = []
  const ends: (() => void)[] = []
  const work = (number: number) => () => {
    began.push(number)
    return new Promise<number>((done) => ends.push(() => done(number)))
  }
  const running = [1, 2, 3, 4].map((number) => inTurn(work(number)))
  await expect(inTurn(work(5))).rejects.toThrow(TooManyRequests)
  expect(began).toEqual([1, 2])
  for (const waited of [1, 2, 3, 4]) {
    ends.shift()?.()
    expect(await running[waited - 1]).toBe(waited)
  }
  expect(began).toEqual([1, 2, 3, 4])
  const again = inTurn(work(6))
  ends.shift()?.()
  expect(await again).toBe(6)
})

it('goes on after work that failed', async () => {
  const inTurn = createSlots({ atOnce: 1, maxWaiting: 1 })
  const failing = inTurn(() => Promise.reject(new Error('lost')))
  const next = inTurn(async () => 'next')
  await expect(failing).rejects.toThrow('lost')
  expect(await next).toBe('next')
})
