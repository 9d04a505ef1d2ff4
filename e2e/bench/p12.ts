import { join } from 'node:path'
import { report } from '../src/berth.ts'
import { sha256 } from '../src/images/blob.ts'
import { sleep } from '../src/process.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { type Live, loaded, PUSHED, pull, renew, STORED, WASTE } from './live-load.ts'
import { type Measured, middle, type Row } from './measure.ts'
import { profileServices, type ServiceProfile } from './profile.ts'
import { must } from './pushing.ts'
import { storeImages } from './stored-images.ts'
import { onEight } from './walk.ts'

const SAMPLES = 500
const MOST = 1.5
const SETTINGS = { GC_TIME_WINDOW_HOURS: '0.001', BERTH_REGISTRY_GC_GRACE_SECONDS: '2' }
const SPARED_MS = 3_600

export interface GcWish {
  /** Blobs that are stored when a run of garbage collection begins, those of no use included. */
  blobs: number
  garbage: number
  /** How long pushes are timed without garbage collection. */
  seconds: number
}

interface GcReport {
  figures: { state: string; purgedBlobs: number; eligibleBlobs: number; storedBytes: number }
}

/**
 * Push times with and without a run of garbage collection beside them, in a suite of its own, because the others are
 * full of blobs no manifest names. Fails when anything but the garbage goes.
 */
export async function p12(wish: GcWish, repeats: number): Promise<Row[]> {
  const home = await openScratch()
  const suite = await startSuite({ env: SETTINGS })
  try {
    const stored = await storeImages(join(home, 'stored'), STORED, wish.blobs - wish.garbage)
    await report(suite, ['registry', 'adopt', join(home, 'stored')])
    const door = (await suite.file()).processes.find((one) => one.service === 'registry')
    if (!door) throw new Error('suite.json does not say where the registry listens')
    const registry: Live = { suite, base: door.http, headers: {}, stored, pushed: [], pushedBytes: 0 }
    const rows = await rounds(registry, wish, repeats)
    await checkAll(registry)
    return rows
  } finally {
    await suite.stop()
    await removeScratch(home)
  }
}

async function rounds(registry: Live, wish: GcWish, repeats: number): Promise<Row[]> {
  const without: Measured[] = []
  const during: Measured[] = []
  const commands: Measured[] = []
  if (repeats > 1) await loaded(registry, () => sleep(wish.seconds * 1000))
  for (let n = 0; n < repeats; n += 1) {
    await waste(registry, wish.garbage, `round ${n}`)
    without.push((await loaded(registry, () => sleep(wish.seconds * 1000))).all)
    const { all, command, seconds } = await loaded(registry, () => collect(registry.suite, wish.garbage))
    during.push(all)
    commands.push({ ...command, rate: wish.garbage / seconds })
  }
  const ours = middle(during)
  const peer = { ...middle(without), name: 'without' }
  const ratio = ours.rate / peer.rate
  const verdict = ratio <= MOST ? 'reached' : 'missed'
  const shared = `${wish.garbage} of ${wish.blobs} blobs`
  return [
    {
      id: 'P12',
      work: `direct: push of an image while ${shared} are collected, p95`,
      unit: 'ms',
      ours,
      peer,
      ratio,
      reach: `≤ ${MOST} ×`,
      verdict,
      profiles: verdict === 'missed' && repeats > 1 ? await profiles(registry, wish) : undefined,
    },
    {
      id: 'P12',
      work: `berth registry gc: ${shared}, its own start included`,
      unit: 'blobs/s',
      ours: middle(commands),
      reach: 'told',
      verdict: 'reached',
    },
  ]
}

/** Blobs nobody names, and time until they are spared no more. */
async function waste(registry: Live, count: number, name: string): Promise<void> {
  await renew(registry)
  const { base, headers } = registry
  await onEight(base, count, async (wire, n) => {
    const bytes = Buffer.from(`waste ${n} of ${name}`)
    const path = `/v2/${WASTE}/blobs/uploads/?digest=${sha256(bytes)}`
    must(await wire.ask('POST', path, { ...headers, 'content-type': 'application/octet-stream' }, bytes), 201)
  })
  await sleep(SPARED_MS)
}

/** The operator's door. @throws {Error} when it took away more or less than the garbage */
async function collect(suite: Suite, garbage: number): Promise<void> {
  const { figures } = await report<GcReport>(suite, ['registry', 'gc'])
  if (figures.state !== 'finished' || figures.purgedBlobs !== garbage) {
    throw new Error(`${garbage} blobs were to go: ${JSON.stringify(figures)}`)
  }
}

/** One run more, for whoever looks where the time goes. */
async function profiles(registry: Live, wish: GcWish): Promise<ServiceProfile[]> {
  await waste(registry, wish.garbage, 'the profile')
  const looked = (await registry.suite.services()).filter(({ name }) => name === 'registry')
  const contender = { services: async () => looked }
  return profileServices(contender, () => loaded(registry, () => collect(registry.suite, wish.garbage)))
}

/** All that is live is counted, by its bytes, and some of it pulled. @throws {Error} something is missing or other */
async function checkAll(registry: Live): Promise<void> {
  await renew(registry)
  const { base, headers, stored, pushed, suite } = registry
  const liveBytes = stored.reduce((sum, { sizeBytes }) => sum + sizeBytes, registry.pushedBytes)
  const { figures } = await report<GcReport>(suite, ['registry', 'gc', '--dry-run'])
  if (figures.storedBytes !== liveBytes || figures.eligibleBlobs !== 0) {
    throw new Error(`${liveBytes} bytes were to be left and none of them garbage: ${JSON.stringify(figures)}`)
  }
  for (const image of some(stored)) {
    await pull({ base, headers, repository: STORED }, { digest: image.digest, blobs: some(image.blobs, 5) })
  }
  for (const image of some(pushed)) await pull({ base, headers, repository: PUSHED }, image)
}

const some = <T>(all: readonly T[], most = SAMPLES): T[] =>
  all.filter((_, n) => n % Math.max(1, Math.floor(all.length / most)) === 0)
