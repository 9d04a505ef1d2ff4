import { silentLogger } from '@berth/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bus, knowBucket, provision, putKnown } from './index.ts'
import { eventually, openSurroundings, type Surroundings } from './testing/harness.ts'

let around: Surroundings
let core: Bus

beforeAll(async () => {
  around = await openSurroundings()
  core = await around.connect('core')
})
afterAll(() => around.stop())

describe('knowing a bucket', () => {
  it('begins with what was there and follows what changes', async () => {
    await putKnown(core, 'settings', 'token_expiration_minutes', 30)
    const known = await knowBucket(await around.connect('token'), 'settings', silentLogger)
    expect(known.ready).toBe(true)
    expect(known.get('token_expiration_minutes')).toBe(30)
    expect(known.get('something_else')).toBeUndefined()
    await putKnown(core, 'settings', 'token_expiration_minutes', 45)
    await expect.poll(() => known.get('token_expiration_minutes'), eventually).toBe(45)
    expect([...known.entries()]).toEqual([['token_expiration_minutes', 45]])
  })

  it('is ready with nothing in it', async () => {
    const known = await knowBucket(await around.connect('gateway'), 'routes', silentLogger)
    expect(known.ready).toBe(true)
    expect([...known.entries()]).toEqual([])
  })

  it('forgets what was taken out', async () => {
    const known = await knowBucket(await around.connect('gateway'), 'routes', silentLogger)
    await putKnown(core, 'routes', 'gone', { kind: 'proxy' })
    await expect.poll(() => known.get('gone'), eventually).toEqual({ kind: 'proxy' })
    await core.jetstream.publish('$KV.routes.gone', '')
    await expect.poll(() => known.get('gone'), eventually).toBeUndefined()
    expect([...known.entries()]).toEqual([])
  })

  it('goes on with the others when a value is none', async () => {
    const known = await knowBucket(await around.connect('gateway'), 'routes', silentLogger)
    await core.jetstream.publish('$KV.routes.broken', 'no JSON')
    await putKnown(core, 'routes', 'whole', true)
    await expect.poll(() => known.get('whole'), eventually).toBe(true)
    const later = await knowBucket(await around.connect('gateway'), 'routes', silentLogger)
    expect(later.get('whole')).toBe(true)
    expect(later.get('broken')).toBeUndefined()
  })

  it('holds thousands of keys', async () => {
    const keys = Array.from({ length: 2_500 }, (_, n) => `project-${n}`)
    await Promise.all(keys.map((key, n) => putKnown(core, 'routes', key, n)))
    const known = await knowBucket(await around.connect('gateway'), 'routes', silentLogger)
    expect(keys.every((key, n) => known.get(key) === n)).toBe(true)
  })

  it('catches up with what changed while the connection was gone', async () => {
    const known = await knowBucket(await around.connect('registry'), 'settings', silentLogger)
    await around.nats.restart('SIGKILL')
    // Another connection than the reader's, and likely there before it.
    await expect
      .poll(() => putKnown(core, 'settings', 'token_expiration_minutes', 60).then(() => 'put', String), eventually)
      .toBe('put')
    await expect.poll(() => known.get('token_expiration_minutes'), eventually).toBe(60)
  })
})

it('believes a bucket that was made anew, although it counts from the start', async () => {
  const everything = await around.connect('everything')
  const known = await knowBucket(await around.connect('gateway'), 'routes', silentLogger)
  expect(known.get('project-7')).toBe(7)
  const manager = await everything.connection.jetstreamManager({ checkAPI: false })
  await manager.streams.delete('KV_routes')
  await provision(await around.connect('provision'))
  await around.nats.restart()
  await expect
    .poll(() => putKnown(core, 'routes', 'project-8', 'new').then(() => 'put', String), eventually)
    .toBe('put')
  await expect.poll(() => [...known.entries()], eventually).toEqual([['project-8', 'new']])
})

it('lets core alone write', async () => {
  const token = await around.connect('token')
  await expect(putKnown(token, 'settings', 'token_expiration_minutes', 1)).rejects.toThrow()
  const known = await knowBucket(token, 'settings', silentLogger)
  expect(known.get('token_expiration_minutes')).toBe(60)
})
