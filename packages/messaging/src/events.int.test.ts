import { randomUUID } from 'node:crypto'
import { currentContext, silentLogger } from '@berth/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bus, type Following, followBatches, followConsumer, provision, tellEvent } from './index.ts'
import { eventually, openSurroundings, type Surroundings } from './testing/harness.ts'

let around: Surroundings
let core: Bus
let everything: Bus
let following: Following | undefined

beforeAll(async () => {
  around = await openSurroundings({ provisioned: false })
  core = await around.connect('core')
  everything = await around.connect('everything')
})
afterAll(async () => {
  await following?.stop()
  await around.stop()
})

async function streamInfo(name: string) {
  return (await everything.connection.jetstreamManager({ checkAPI: false })).streams.info(name)
}

const tell = (number: number, messageId: string = randomUUID()) =>
  tellEvent(core, {
    subject: 'event.project.updated',
    messageId,
    payload: JSON.stringify({ number }),
    requestId: `req-${number}`,
  })

function numberOf(data: Uint8Array): number {
  return (JSON.parse(new TextDecoder().decode(data)) as { number: number }).number
}

describe('following', () => {
  const got: number[] = []

  it('begins by itself once the consumer has been made', async () => {
    following = followConsumer(await around.connect('registry'), 'registry-projects', {
      log: silentLogger,
      handle: async (message) => {
        const number = numberOf(message.data)
        if (number === 3 && message.deliveries === 1) throw new Error('not this time')
        expect(currentContext()?.requestId).toBe(`req-${number}`)
        got.push(number)
        message.ack()
      },
    })
    await provision(await around.connect('provision'))
    await tell(1)
    await tell(2)
    await expect.poll(() => got, eventually).toEqual([1, 2])
  })

  it('gets again what could not be handled', async () => {
    await tell(3)
    await expect.poll(() => got, eventually).toEqual([1, 2, 3])
  })

  it('gets once what was told twice with one id', async () => {
    await tell(4, 'registry:4')
    await tell(4, 'registry:4')
    await tell(5)
    await expect.poll(() => got, eventually).toEqual([1, 2, 3, 4, 5])
    expect((await streamInfo('EVENTS')).state.messages).toBe(5)
  })

  it('goes on after NATS was away, with what had been told before', async () => {
    await following?.stop()
    await tell(6)
    await around.nats.restart('SIGKILL')
    following = followConsumer(await around.connect('registry'), 'registry-projects', {
      log: silentLogger,
      handle: async (message) => {
        got.push(numberOf(message.data))
        message.ack()
      },
    })
    await around.nats.restart('SIGKILL')
    await expect.poll(() => tell(7).then(() => 'told', String), eventually).toBe('told')
    // What was acknowledged shortly before a server was killed may come again.
    await expect.poll(() => [...new Set(got)], eventually).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  it('does not pretend to have told while NATS is away', async () => {
    around.nats.kill('SIGKILL')
    await expect.poll(() => core.connected, eventually).toBe(false)
    await expect(tell(8)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await around.nats.restart()
    await expect.poll(() => core.connected && everything.connected, eventually).toBe(true)
  })
})

describe('following in batches', () => {
  it('hands lines over together, acknowledges after, and brings back what could not be handled', async () => {
    const bus = await around.connect('log-collector')
    const batches: number[][] = []
    let isBroken = true
    const lines = followBatches(bus, 'log-collector', {
      log: silentLogger,
      maxMessages: 50,
      handle: async (batch) => {
        if (isBroken) {
          isBroken = false
          throw new Error('disk full')
        }
        batches.push(batch.map(({ data }) => numberOf(data)))
        expect(batch.every((message) => message.storedAtMs > Date.now() - 60_000 && message.sequence > 0)).toBe(true)
      },
    })
    for (let number = 0; number < 500; number++)
      everything.connection.publish('log.core.info', JSON.stringify({ number }))
    await expect.poll(() => new Set(batches.flat()).size, eventually).toBe(500)
    expect(batches.flat()).toHaveLength(500)
    expect(batches.some((batch) => batch.length > 1)).toBe(true)
    const manager = await everything.connection.jetstreamManager({ checkAPI: false })
    const unacknowledged = async () => (await manager.consumers.info('LOGS', 'log-collector')).num_ack_pending
    await expect.poll(unacknowledged, eventually).toBe(0)

    await around.nats.restart('SIGKILL')
    await expect
      .poll(() => {
        everything.connection.publish('log.core.info', JSON.stringify({ number: 1_000 }))
        return batches.flat().includes(1_000)
      }, eventually)
      .toBe(true)
    await lines.stop()
  })
})

it('provisions again without changing anything', async () => {
  const before = await Promise.all(['EVENTS', 'LOGS', 'KV_settings', 'KV_routes'].map(streamInfo))
  await provision(await around.connect('provision'))
  const after = await Promise.all(['EVENTS', 'LOGS', 'KV_settings', 'KV_routes'].map(streamInfo))
  expect(after.map(({ config, created, state }) => ({ config, created, messages: state.messages }))).toEqual(
    before.map(({ config, created, state }) => ({ config, created, messages: state.messages })),
  )
})
