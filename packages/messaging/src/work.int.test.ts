import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { currentContext, type Logger, silentLogger, withContext } from '@berth/runtime'
import { defineJob } from '@berth/types'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { type Bus, type Following, type Job, provisionJob, submitJob, workOn } from './index.ts'
import { eventually, openSurroundings, type Surroundings } from './testing/harness.ts'

let around: Surroundings
let provisioner: Bus
let giver: Bus
const working: Following[] = []

beforeAll(async () => {
  around = await openSurroundings()
  provisioner = await around.connect('provision')
  giver = await around.connect('everything')
})
afterEach(async () => {
  for (const worker of working.splice(0)) await worker.stop()
})
afterAll(() => around.stop())

const Parameters = z.object({ number: z.number() })

async function kindOf(type: string, limits: { concurrency?: number; ackWaitMs?: number; maxAttempts?: number } = {}) {
  const kind = defineJob({
    type,
    summary: 'For a test',
    parameters: Parameters,
    maxAttempts: 3,
    concurrency: 4,
    ackWaitMs: 5_000,
    ...limits,
  })
  await provisionJob(provisioner, kind)
  return kind
}
type Kind = Awaited<ReturnType<typeof kindOf>>
type Handle = (parameters: { number: number }, job: Job) => Promise<void>

/** A worker on a connection of its own. */
async function work(kind: Kind, handle: Handle, log: Logger = silentLogger) {
  const bus = await around.connect('everything')
  const worker = workOn(bus, kind, { log, handle })
  working.push(worker)
  return { bus, worker }
}

const give = (kind: Kind, number: number, taskId: string = randomUUID()) =>
  submitJob(giver, kind, { taskId, parameters: { number } })

async function left(kind: Kind): Promise<number> {
  const manager = await provisioner.connection.jetstreamManager({ checkAPI: false })
  const { num_ack_pending, num_pending } = await manager.consumers.info('JOBS', kind.type)
  return num_ack_pending + num_pending
}
const stored = async () => {
  const manager = await provisioner.connection.jetstreamManager({ checkAPI: false })
  return (await manager.streams.info('JOBS')).state.messages
}

describe('giving a job', () => {
  it('gives it to one of two workers, with the ids of whoever gave it', async () => {
    const kind = await kindOf('EACH_ONCE')
    const done: number[] = []
    const contexts = new Set<string | undefined>()
    const handle: Handle = async ({ number }) => {
      contexts.add(currentContext()?.requestId)
      await sleep(5)
      done.push(number)
    }
    await work(kind, handle)
    await work(kind, handle)
    const numbers = Array.from({ length: 40 }, (_, number) => number)
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    await withContext({ requestId: 'req-1', traceparent }, () =>
      Promise.all(numbers.map((number) => give(kind, number))),
    )
    await expect.poll(() => left(kind), eventually).toBe(0)
    expect(done.toSorted((a, b) => a - b)).toEqual(numbers)
    expect([...contexts]).toEqual(['req-1'])
    expect(await stored()).toBe(0)
  })

  it('makes one job of a task given twice', async () => {
    const kind = await kindOf('TWICE')
    const taskId = randomUUID()
    expect(await give(kind, 1, taskId)).toEqual({ isDuplicate: false })
    expect(await give(kind, 1, taskId)).toEqual({ isDuplicate: true })
    expect(await left(kind)).toBe(1)
    const done: string[] = []
    await work(kind, async (_, job) => void done.push(job.taskId))
    await expect.poll(() => left(kind), eventually).toBe(0)
    expect(done).toEqual([taskId])
  })

  it('refuses what its kind does not ask for', async () => {
    const kind = await kindOf('REFUSED')
    const parameters = { number: 'one' } as unknown as { number: number }
    await expect(submitJob(giver, kind, { taskId: randomUUID(), parameters })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    })
    await expect(give(kind, 1, 'no-uuid')).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    expect(await left(kind)).toBe(0)
  })

  it('is refused to a service without the right', async () => {
    const kind = await kindOf('FORBIDDEN')
    const token = await around.connect('token')
    await expect(submitJob(token, kind, { taskId: randomUUID(), parameters: { number: 1 } })).rejects.toMatchObject({
      code: 'PERMISSIONS_VIOLATION',
    })
    expect(await left(kind)).toBe(0)
  })
})

describe('working', () => {
  it('gets a job that failed again, after a pause, and is told which attempt it is', async () => {
    const kind = await kindOf('FAILS_TWICE')
    const attempts: number[] = []
    await work(kind, async (_, { attempt }) => {
      attempts.push(attempt)
      if (attempt < 3) throw new Error('not this time')
    })
    await give(kind, 1)
    await expect.poll(() => attempts, eventually).toEqual([1])
    expect(await left(kind)).toBe(1)
    await expect.poll(() => left(kind), eventually).toBe(0)
    expect(attempts).toEqual([1, 2, 3])
  })

  it('lets a job that waits for its next attempt keep its place', async () => {
    const kind = await kindOf('KEEPS_PLACE', { concurrency: 1 })
    const order: string[] = []
    for (const number of [1, 2]) await give(kind, number)
    await work(kind, async ({ number }, { attempt }) => {
      order.push(`${number}, attempt ${attempt}`)
      if (number === 1 && attempt === 1) throw new Error('not this time')
    })
    await expect.poll(() => left(kind), eventually).toBe(0)
    expect(order).toEqual(['1, attempt 1', '1, attempt 2', '2, attempt 1'])
  })

  it('gives a job up after its last attempt', async () => {
    const kind = await kindOf('FAILS', { maxAttempts: 2 })
    const handle = vi.fn<Handle>().mockRejectedValue(new Error('never'))
    const error = vi.fn()
    await work(kind, handle, { ...silentLogger, error })
    await give(kind, 1)
    await expect.poll(() => left(kind), eventually).toBe(0)
    expect(handle).toHaveBeenCalledTimes(2)
    expect(error).toHaveBeenCalledWith('a job failed for the last time', expect.objectContaining({ attempt: 2 }))
    expect(await stored()).toBe(0)
  })

  it('takes over from a worker that died', async () => {
    const kind = await kindOf('DIES', { ackWaitMs: 1_000 })
    const begun = vi.fn()
    const { bus } = await work(kind, async () => {
      begun()
      await bus.connection.close()
    })
    await give(kind, 1)
    await expect.poll(() => begun.mock.calls.length, eventually).toBe(1)
    const attempts: number[] = []
    await work(kind, async (_, { attempt }) => void attempts.push(attempt))
    await expect.poll(() => attempts, eventually).toEqual([2])
    await expect.poll(() => left(kind), eventually).toBe(0)
  })

  it('lets a job that cannot be read go, once, saying why', async () => {
    const kind = await kindOf('POISON', { ackWaitMs: 1_000 })
    const reasons: unknown[] = []
    giver.connection.subscribe('$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.JOBS.POISON', {
      callback: (_, message) => void reasons.push(message.json<{ reason: string }>().reason),
    })
    const taskId = randomUUID()
    giver.connection.publish(kind.subject, 'not json')
    giver.connection.publish(kind.subject, JSON.stringify({ taskId, type: 'OTHER', parameters: { number: 1 } }))
    giver.connection.publish(kind.subject, JSON.stringify({ taskId, type: kind.type, parameters: { number: 'one' } }))
    const handle = vi.fn<Handle>().mockResolvedValue()
    await work(kind, handle)
    await expect.poll(() => reasons, eventually).toHaveLength(3)
    expect(reasons).toEqual(
      ['it is not JSON', '→ at type', '→ at parameters.number'].map((why) => expect.stringContaining(why)),
    )
    expect([await left(kind), await stored()]).toEqual([0, 0])
    // Longer than an acknowledgement may take: nothing has come again.
    await sleep(2 * kind.ackWaitMs)
    expect(reasons).toHaveLength(3)
    expect(handle).not.toHaveBeenCalled()
  })

  it('never has more at one time than its kind allows, over all workers', async () => {
    const kind = await kindOf('NARROW', { concurrency: 2 })
    let now = 0
    let most = 0
    const handle: Handle = async () => {
      most = Math.max(most, ++now)
      await sleep(30)
      now--
    }
    for (let number = 0; number < 12; number++) await give(kind, number)
    await work(kind, handle)
    await work(kind, handle)
    await expect.poll(() => left(kind), eventually).toBe(0)
    expect(most).toBe(2)
  })

  it('keeps a job that takes longer than an acknowledgement may', async () => {
    const kind = await kindOf('LONG', { ackWaitMs: 600 })
    const attempts: number[] = []
    const handle: Handle = async (_, { attempt }) => {
      attempts.push(attempt)
      await sleep(4 * kind.ackWaitMs)
    }
    await work(kind, handle)
    await work(kind, handle)
    await give(kind, 1)
    await expect.poll(() => left(kind), eventually).toBe(0)
    expect(attempts).toEqual([1])
  })

  it('hands back what it has begun when it stops', async () => {
    // Another worker would otherwise have it only after a minute, when the test has long failed.
    const kind = await kindOf('HANDED_BACK', { ackWaitMs: 60_000 })
    const begun = vi.fn()
    const { worker } = await work(kind, (_, { signal }) => {
      begun()
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    await give(kind, 1)
    await expect.poll(() => begun.mock.calls.length, eventually).toBe(1)
    await worker.stop()
    const attempts: number[] = []
    await work(kind, async (_, { attempt }) => void attempts.push(attempt))
    await expect.poll(() => attempts, eventually).toEqual([2])
    await expect.poll(() => left(kind), eventually).toBe(0)
  })
})

describe('when NATS goes away', () => {
  it('goes on with what a worker has begun, though NATS gives it out again', async () => {
    const kind = await kindOf('GOES_ON', { ackWaitMs: 600 })
    const ending = Promise.withResolvers<void>()
    const attempts: number[] = []
    await work(kind, async ({ number }, { attempt, signal }) => {
      attempts.push(attempt)
      signal.addEventListener('abort', () => ending.resolve())
      if (number === 1) await ending.promise
    })
    await give(kind, 1)
    await expect.poll(() => attempts, eventually).toEqual([1])
    around.nats.kill('SIGKILL')
    await expect.poll(() => giver.connected, eventually).toBe(false)
    await sleep(2 * kind.ackWaitMs)
    await around.nats.restart()
    await expect.poll(() => give(kind, 2).then(() => 'given', String), eventually).toBe('given')
    await expect.poll(() => attempts, eventually).toEqual([1, 1])
    await sleep(2 * kind.ackWaitMs)
    ending.resolve()
    await expect.poll(() => left(kind), eventually).toBe(0)
    expect(attempts).toEqual([1, 1])
  })

  it('fails to give a job at once, and works on what was given before', async () => {
    const kind = await kindOf('AWAY')
    await give(kind, 1)
    around.nats.kill('SIGKILL')
    await expect.poll(() => giver.connected, eventually).toBe(false)
    await expect(give(kind, 2)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await around.nats.restart()
    const done: number[] = []
    await work(kind, async ({ number }) => void done.push(number))
    await expect.poll(() => done, eventually).toEqual([1])
    await expect.poll(() => give(kind, 3).then(() => 'given', String), eventually).toBe('given')
    await expect.poll(() => done, eventually).toContain(3)
  })
})
