import { describe, expect, it } from 'vitest'
import { giveBack } from './spent.ts'

const BLOCK = 64 * 1024

describe('the memory of a chunk', () => {
  it('is free at once, so that spent ones do not pile up', () => {
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 256; i++) giveBack(Buffer.allocUnsafeSlow(BLOCK))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * BLOCK)
  })

  it('stays where others have a part of it', () => {
    const whole = Buffer.alloc(2 * BLOCK, 7)
    giveBack(whole.subarray(0, BLOCK))
    const small = Buffer.from('from the common block')
    giveBack(small)
    expect([whole.length, whole[0], small.toString()]).toEqual([2 * BLOCK, 7, 'from the common block'])
  })

  it('may be given back twice', () => {
    const chunk = Buffer.allocUnsafeSlow(BLOCK)
    giveBack(chunk)
    giveBack(chunk)
    expect(chunk.length).toBe(0)
  })
})
