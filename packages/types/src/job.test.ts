import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineJob } from './job.ts'

const sample = {
  type: 'GARBAGE_COLLECTION',
  summary: 'Takes away what nobody refers to',
  parameters: z.object({ workers: z.number().int() }),
  maxAttempts: 3,
  concurrency: 1,
  ackWaitMs: 30_000,
}

describe('a kind of job', () => {
  it('has the subject of its type', () => {
    expect(defineJob(sample)).toEqual({ ...sample, subject: 'job.GARBAGE_COLLECTION' })
  })

  it.each(['', 'scan', 'SCAN.ALL', 'SCAN_', '_SCAN', 'SCAN *', '>'])('cannot be of type "%s"', (type) => {
    expect(() => defineJob({ ...sample, type })).toThrow('LIKE_THIS')
  })

  it.each(['maxAttempts', 'concurrency', 'ackWaitMs'])('cannot be without %s', (bound) => {
    expect(() => defineJob({ ...sample, [bound]: 0 })).toThrow('bound')
  })
})
