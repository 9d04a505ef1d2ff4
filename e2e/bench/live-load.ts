import { percentile } from '../src/figures.ts'
import { sha256 } from '../src/images/blob.ts'
import { OCI_MANIFEST } from '../src/images/image.ts'
import { sleep } from '../src/process.ts'
import { getToken } from '../src/registry-client.ts'
import type { Suite } from '../src/suite.ts'
import type { Measured } from './measure.ts'
import { startMeter } from './meter.ts'
import { must, overWire, type Place, pushMissing, putManifest } from './pushing.ts'
import type { StoredImage } from './stored-images.ts'
import { makeLoad } from './wire.ts'

/** Where blobs are that nobody names, what is pushed meanwhile, and what was there before. */
export const WASTE = 'library/waste'
export const PUSHED = 'library/pushed'
export const STORED = 'stored/app'

const PUSHERS = 4
const PULLERS = 4
const PAUSE_MS = 20
const LAYER_BYTES = 4096
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'

interface Kept {
  digest: string
  blobs: string[]
}

/** A registry that is worked with, and all that must stay in it. */
export interface Live extends Pick<Place, 'base' | 'headers'> {
  suite: Suite
  stored: readonly StoredImage[]
  /** All of it was answered 201. */
  pushed: Kept[]
  pushedBytes: number
}

/** A token for what comes next: they end. */
export async function renew(live: Live): Promise<void> {
  const scopes = [WASTE, PUSHED, STORED].map((name) => `repository:${name}:pull,push`)
  const wish = { user: 'admin', password: live.suite.adminPassword, scopes }
  live.headers = { authorization: `Bearer ${await getToken(live.suite.url, wish)}` }
}

/** What everything has used, with the p95 of the pushes in milliseconds, and what only came meanwhile. */
interface Loaded {
  all: Measured
  command: Measured
  /** How long `work` took. */
  seconds: number
}

/** Pushes and pulls for as long as `work` takes. */
export async function loaded(live: Live, work: () => Promise<unknown>): Promise<Loaded> {
  await renew(live)
  const stopMeter = await startMeter(new Set((await live.suite.processes()).map(({ pid }) => pid)))
  let going = true
  const isGoing = () => going
  const times: number[] = []
  const began = performance.now()
  const worked = work().finally(() => {
    going = false
  })
  const timed = worked.then(() => (performance.now() - began) / 1000)
  const clients = [
    ...Array.from({ length: PUSHERS }, () => keepPushing(live, isGoing, times)),
    ...Array.from({ length: PULLERS }, (_, n) => keepPulling(live, isGoing, n)),
  ]
  const outcomes = await Promise.allSettled([timed, ...clients])
  const used = await stopMeter()
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  return {
    all: { ...used.all, rate: percentile(times, 0.95) },
    command: { ...used.anew, rate: 0 },
    seconds: await timed,
  }
}

async function keepPushing(live: Live, isGoing: () => boolean, times: number[]): Promise<void> {
  const place: Place = { base: live.base, headers: live.headers, repository: PUSHED }
  await overWire(live.base, async (wire) => {
    while (isGoing()) {
      const layers = [makeLoad(LAYER_BYTES), makeLoad(LAYER_BYTES)]
      const config = makeLoad(200)
      const manifest = {
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: { mediaType: CONFIG, digest: config.digest, size: config.sizeBytes },
        layers: layers.map(({ digest, sizeBytes }) => ({ mediaType: LAYER, digest, size: sizeBytes })),
      }
      const digest = sha256(Buffer.from(JSON.stringify(manifest)))
      const began = performance.now()
      for (const load of [...layers, config]) await pushMissing(wire, place, load)
      await putManifest(wire, place, digest, manifest)
      times.push(performance.now() - began)
      live.pushed.push({ digest, blobs: [...layers, config].map((load) => load.digest) })
      for (const { sizeBytes } of [...layers, config]) live.pushedBytes += sizeBytes
      await sleep(PAUSE_MS)
    }
  })
}

async function keepPulling({ base, headers, stored }: Live, isGoing: () => boolean, first: number): Promise<void> {
  const place: Place = { base, headers, repository: STORED }
  for (let n = first; isGoing(); n += PULLERS) {
    const image = stored[n % stored.length]
    if (image) await pull(place, { digest: image.digest, blobs: image.blobs.slice(n % 10, (n % 10) + 2) })
    await sleep(PAUSE_MS)
  }
}

/** @throws {Error} it is not there, or not what it was */
export async function pull({ base, headers, repository }: Place, { digest, blobs }: Kept): Promise<void> {
  await overWire(base, async (wire) => {
    const paths = [`manifests/${digest}`, ...blobs.map((blob) => `blobs/${blob}`)]
    for (const path of paths) {
      const answer = must(await wire.ask('GET', `/v2/${repository}/${path}`, { ...headers, accept: OCI_MANIFEST }), 200)
      const found = sha256(Buffer.from(answer.text, 'latin1'))
      if (!path.endsWith(found)) throw new Error(`${repository}: ${path} came as ${found}`)
    }
  })
}
