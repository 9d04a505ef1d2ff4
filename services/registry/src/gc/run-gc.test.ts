import { Conflict, Unavailable } from '@berth/errors'
import type { GcSweepResponse } from '@berth/types'
import { describe, expect, it } from 'vitest'
import type { GcRequest } from './gc-engine.ts'
import { runGc } from './run-gc.ts'

const options = { deleteUntagged: false, dryRun: false, workers: 1, force: false }

function answered(over: Partial<GcSweepResponse>): GcSweepResponse {
  return {
    run: 7,
    state: 'running',
    phase: 'blobs',
    options,
    startedAt: '2026-11-20T00:00:00.000Z',
    storedBytes: 100,
    eligibleManifests: 0,
    eligibleBlobs: 2,
    eligibleBytes: 20,
    purgedManifests: 0,
    purgedBlobs: 0,
    freedBytes: 0,
    waitMs: 0,
    lines: [],
    ...over,
  }
}

/** Answers one after the other, and remembers what was asked. */
function scripted(...answers: (GcSweepResponse | Error)[]) {
  const asked: GcRequest[] = []
  const step = async (request: GcRequest) => {
    asked.push(request)
    const next = answers.shift()
    if (next instanceof Error || next === undefined) throw next ?? new Error('asked too often')
    return next
  }
  return { asked, step }
}

const finished = answered({ state: 'finished', phase: 'done', purgedBlobs: 2, freedBytes: 20, lines: ['b'] })

describe('a whole run', () => {
  it('is asked for step by step until it runs no more, and tells its lines and how far it is', async () => {
    const { asked, step } = scripted(answered({ lines: ['a'] }), answered({ purgedBlobs: 1, freedBytes: 10 }), finished)
    const lines: string[] = []
    const freed: number[] = []
    const run = await runGc(step, {
      options,
      onLine: (line) => lines.push(line),
      onProgress: (progress) => freed.push(progress.freedBytes),
    })
    expect(asked).toEqual([{ options }, { run: 7, action: 'step' }, { run: 7, action: 'step' }])
    expect([lines, freed, run.state, run.freedBytes]).toEqual([['a', 'b'], [0, 10, 20], 'finished', 20])
  })

  it('survives a step that failed, and says each line once', async () => {
    const { asked, step } = scripted(answered({ lines: ['a'] }), new Unavailable('away'), finished)
    const lines: string[] = []
    expect((await runGc(step, { options, onLine: (line) => lines.push(line) })).state).toBe('finished')
    expect([lines, asked.length]).toEqual([['a', 'b'], 3])
  })

  it('ends with the refusal of a step', async () => {
    const { step } = scripted(new Conflict('runs already'))
    await expect(runGc(step, { options })).rejects.toThrow('runs already')
    const later = scripted(answered({}), new Conflict('gone'))
    await expect(runGc(later.step, { options })).rejects.toThrow('gone')
  })

  it('is stopped by a signal, even while it waits, and gone on with later', async () => {
    const stop = new AbortController()
    const { asked, step } = scripted(answered({ waitMs: 60_000 }), answered({ state: 'stopped' }))
    const running = runGc(step, { options, signal: stop.signal, onProgress: () => stop.abort() })
    expect((await running).state).toBe('stopped')
    expect(asked.at(-1)).toEqual({ run: 7, action: 'stop' })
    const again = scripted(answered({}), finished)
    await runGc(again.step, { options, resume: 7 })
    expect(again.asked[0]).toEqual({ run: 7, action: 'resume' })
  })
})
