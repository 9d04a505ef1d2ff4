import { afterEach, describe, expect, it } from 'vitest'
import { dropBuffer, giveBuffer, takeBuffer } from './buffer-pool.ts'

const LARGE = 512 * 1024
let taken: Buffer[] = []
afterEach(() => {
  for (const buffer of taken) giveBuffer(buffer)
  taken = []
})

const take = (count: number) => {
  const buffers = Array.from({ length: count }, takeBuffer)
  taken.push(...buffers)
  return buffers
}

describe('buffers', () => {
  it('are large until 64 MiB of them are in use, then small, and large again when some came back', () => {
    const buffers = take(140)
    expect(buffers.filter(({ length }) => length === LARGE)).toHaveLength(128)
    expect(buffers.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(66 * 1024 * 1024)
    for (const buffer of taken.splice(0)) giveBuffer(buffer)
    expect(take(1)[0]?.length).toBe(LARGE)
  })

  it('are used again when they were given back, and never when they were dropped', () => {
    const first = takeBuffer()
    giveBuffer(first)
    const second = takeBuffer()
    expect(second).toBe(first)
    dropBuffer(second)
    expect(take(130)).not.toContain(second)
    expect(taken.filter(({ length }) => length === LARGE)).toHaveLength(128)
  })
})
