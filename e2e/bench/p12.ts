import { join } from 'node:path'
import { report } from '../src/berth.ts'
import { median, mebibytes, percentile } from '../src/figures.ts'
import { sha256 } from '../src/images/blob.ts'
import { OCI_MANIFEST } from '../src/images/image.ts'
import { cpuSeconds, descendants, type Watched, watchPss } from '../src/proc.ts'
import { sleep } from '../src/process.ts'
import { getToken } from '../src/registry-client.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import type { Measured, Row } from './measure.ts'
import { profileServices, type ServiceProfile } from './profile.ts'
import { must, overWire, type Place, pushMissing, putManifest } from './pushing.ts'
import { type StoredImage, storeImages } from './stored-images.ts'
import { onEight } from './walk.ts'
import { makeLoad } from './wire.ts'

const WASTE = 'library/waste'
const PUSHED = 'library/pushed'
const STORED = 'stored/app'
const PUSHERS = 4
const PULLERS = 4
const PAUSE_MS = 20
const LAYER_BYTES = 4096
const SAMPLES = 500
const MOST = 1.5
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'
/** A blob is spared for 3.6 s, and a run on a rested machine is soon past its grace. */
const SETTINGS = { GC_TIME_WINDOW_HOURS: '0.001', BERTH_REGISTRY_GC_GRACE_SECONDS: '2' }

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

interface Kept {
  digest: string
  blobs: string[]
}

interface Registry extends Pick<Place, 'base' | 'headers'> {
  suite: Suite
  stored: readonly StoredImage[]
  /** Pushed meanwhile, all of it answered 201. */
  pushed: Kept[]
  pushedBytes: number
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
    const registry: Registry = { suite, base: door.http, headers: {}, stored, pushed: [], pushedBytes: 0 }
    const rows = await rounds(registry, wish, repeats)
    await checkAll(registry)
    return rows
  } finally {
    await suite.stop()
    await removeScratch(home)
  }
}

async function rounds(registry: Registry, wish: GcWish, repeats: number): Promise<Row[]> {
  const without: Measured[] = []
  const during: Measured[] = []
  const commands: Measured[] = []
  if (repeats > 1) await besides(registry, sleep(wish.seconds * 1000))
  for (let n = 0; n < repeats; n += 1) {
    await waste(registry, wish.garbage, `round ${n}`)
    without.push((await besides(registry, sleep(wish.seconds * 1000))).all)
    const began = performance.now()
    const { all, command, took } = await besides(registry, collect(registry.suite, wish.garbage))
    during.push(all)
    commands.push({ ...command, rate: wish.garbage / ((took - began) / 1000) })
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

/** Blobs nobody names. */
async function waste(registry: Registry, count: number, name: string): Promise<void> {
  await renew(registry)
  const { base, headers } = registry
  await onEight(base, count, async (wire, n) => {
    const bytes = Buffer.from(`waste ${n} of ${name}`)
    const path = `/v2/${WASTE}/blobs/uploads/?digest=${sha256(bytes)}`
    must(await wire.ask('POST', path, { ...headers, 'content-type': 'application/octet-stream' }, bytes), 201)
  })
}

async function renew(registry: Registry): Promise<void> {
  const scopes = [WASTE, PUSHED, STORED].map((name) => `repository:${name}:pull,push`)
  const wish = { user: 'admin', password: registry.suite.adminPassword, scopes }
  registry.headers = { authorization: `Bearer ${await getToken(registry.suite.url, wish)}` }
}

/** The operator's door. @throws {Error} when it took away more or less than the garbage */
async function collect(suite: Suite, garbage: number): Promise<void> {
  const { figures } = await report<GcReport>(suite, ['registry', 'gc'])
  if (figures.state !== 'finished' || figures.purgedBlobs !== garbage) {
    throw new Error(`${garbage} blobs were to go: ${JSON.stringify(figures)}`)
  }
}

/** One run more, for whoever looks where the time goes. */
async function profiles(registry: Registry, wish: GcWish): Promise<ServiceProfile[]> {
  await waste(registry, wish.garbage, 'the profile')
  const looked = (await registry.suite.services()).filter(({ name }) => name === 'registry')
  const contender = { services: async () => looked }
  return profileServices(contender, () => besides(registry, collect(registry.suite, wish.garbage)))
}

/** All that is live is counted, by its bytes, and some of it pulled. @throws {Error} something is missing or other */
async function checkAll(registry: Registry): Promise<void> {
  await renew(registry)
  const { base, headers, stored, pushed, suite } = registry
  const liveBytes = stored.reduce((sum, { sizeBytes }) => sum + sizeBytes, registry.pushedBytes)
  await sleep(Number(SETTINGS.GC_TIME_WINDOW_HOURS) * 3_600_000)
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
