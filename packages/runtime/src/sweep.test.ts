import { describe, expect, it } from 'vitest'
import { bytesPassed } from './sweep.ts'

const BLOCK = 64 * 1024

describe('the buffers of bodies that pass through', () => {
  it('do not pile up', () => {
    let peak = 0
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 8_192; i++) {
      bytesPassed(Buffer.allocUnsafeSlow(BLOCK).length)
      if (i % 32 === 0) peak = Math.max(peak, process.memoryUsage().arrayBuffers - before)
    }
    expect(peak).toBeLessThan(32 * 1024 * 1024)
  })

  it('leave the program without a collector of its own', () => {
    expect('gc' in globalThis).toBe(false)
  })
})
