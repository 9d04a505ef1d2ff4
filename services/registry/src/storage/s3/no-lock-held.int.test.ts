import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '@berth/db'
import { silentLogger } from '@berth/runtime'
import { sha256, someBytes, someImage } from '@berth/testkit'
import { gcSweep } from '@berth/types'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runGc } from '../../gc/index.ts'
import { paceOf, scrubRound } from '../../scrub/index.ts'
import { RegistryClient } from '../../testing/registry-client.ts'
import { openWorld, type Replica, type World } from '../../testing/test-world.ts'
import { openStorageOf } from '../open-storage.ts'
import { type S3Double, s3Double } from '../testing/s3-double.ts'

const HELD_MS = 1_000
const NAME = 'library/unlocked'
const OPEN = `SELECT pid || ' since ' || xact_start AS transaction FROM pg_stat_activity
  WHERE backend_type = 'client backend' AND xact_start IS NOT NULL AND pid <> pg_backend_pid()`
let s3: S3Double
let between: Server
let world: World
let replica: Replica
let watches = 0
let isWatching = false
const seen = new Set<string>()

/** Transactions that were open all the time something took, a while at the least. */
async function openMeanwhile(): Promise<string[]> {
  const transactions = async () => (await world.sql<{ transaction: string }>(OPEN)).map((row) => row.transaction)
  const before = new Set(await transactions())
  await sleep(HELD_MS)
  return (await transactions()).filter((transaction) => before.has(transaction))
}

/** Lets each request to the S3 wait for as long as it takes to look who waits with it. */
function watched(client: Socket, port: number): void {
  const server = connect(port, '127.0.0.1')
  let isNew = true
  client.on('data', async (chunk: Buffer) => {
    if (isNew && isWatching) {
      isNew = false
      client.pause()
      for (const transaction of await openMeanwhile()) seen.add(transaction)
      watches++
      client.resume()
    }
    server.write(chunk)
  })
  server.on('data', (chunk) => {
    isNew = true
    client.write(chunk)
  })
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.on('end', () => to.end())
    from.on('error', () => to.destroy())
  }
}

beforeAll(async () => {
  s3 = await s3Double()
  between = createServer((client) => watched(client, s3.settings.endpoint.port)).listen(0, '127.0.0.1')
  await once(between, 'listening')
  const { port } = between.address() as AddressInfo
  world = await openWorld({ s3: { ...s3.settings, endpoint: { ...s3.settings.endpoint, port } } })
  replica = await world.startReplica({ gc: { windowMs: 0, graceMs: 100 } })
})
afterAll(async () => {
  await world?.stop()
  between?.close()
  await s3?.stop()
})

const client = () => new RegistryClient(replica.url, NAME, `Bearer ${world.tokenFor(NAME)}`)

async function cancelled(): Promise<number> {
  const location = await client().startUpload()
  expect((await client().patch(location, someBytes(6 * 1024 * 1024))).status).toBe(202)
  return (await client().fetch(location, { method: 'DELETE' })).status
}

async function scrubbed(): Promise<number> {
  const log = silentLogger
  const database = openDatabase({ url: world.databaseUrl, service: 'registry', schema: 'registry', log })
  try {
    const storage = await openStorageOf(world.storage)
    return (await scrubRound({ database, storage, log, pace: paceOf(Number.POSITIVE_INFINITY) }, 0)).corrupt
  } finally {
    await database.close()
  }
}

describe('a transaction', () => {
  it('is noticed by this test when it stays open', async () => {
    const holder = new pg.Client(world.databaseUrl)
    await holder.connect()
    await holder.query('BEGIN; SELECT 1')
    expect(await openMeanwhile()).toHaveLength(1)
    await holder.end()
  })

  it('never waits for the storage: not in pushes, pulls, collection, scrub, nor what reads configs', async () => {
    const [pulled, garbage, image] = [someBytes(70_000), someBytes(80_000), someImage([50_000])]
    for (const bytes of [pulled, garbage]) expect((await client().postBlob(bytes)).status).toBe(201)
    await client().pushImage(image, 'before')
    isWatching = true
    const large = someBytes(12 * 1024 * 1024)
    const [posted, pushed, put, got, gone, corrupt] = await Promise.all([
      client().postBlob(someBytes(1_000)),
      client().pushBlob(large),
      client().pushImage(someImage([2_000, 3_000]), 'meanwhile'),
      client().fetch(`blobs/${sha256(pulled)}`),
      cancelled(),
      scrubbed(),
    ])
    expect([posted.status, pushed.status, put.status, got.status, gone, corrupt]).toEqual([201, 201, 201, 200, 204, 0])
    await got.arrayBuffer()
    const options = { deleteUntagged: true, dryRun: false, workers: 2, force: true }
    const run = await runGc((request) => world.bus.ask(gcSweep, { action: 'step', ...request }), { options })
    expect(run.purgedBlobs).toBeGreaterThan(1)
    isWatching = false
    expect(watches).toBeGreaterThan(10)
    expect([...seen]).toEqual([])
  })
})
