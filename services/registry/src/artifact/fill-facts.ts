import type { Database } from '@berth/db'
import { Unavailable } from '@berth/errors'
import type { Digest, Manifest } from '@berth/oci'
import type { Logger } from '@berth/runtime'
import type { Storage } from '../storage/index.ts'
import { accessoryOf } from './accessory.ts'
import { attributesOf, bundleAttributes, needsConfig } from './attributes.ts'
import { childFactsOf, factsOf } from './facts.ts'
import { type FillerStore, type Found, fillerStore, type Unfilled } from './filler-store.ts'
import { iconLayerOf, iconTypeOf } from './icon.ts'
import { KIND } from './kind.ts'
import { type BlobPlace, readSmallBlob } from './read-blob.ts'
import { readManifest } from './read-manifest.ts'
import { settleShown } from './shown.ts'

const BATCH = 100
const BATCH_BYTES = 8 * 1024 * 1024
/** Of a config; a longer one is nothing the API could say. */
const MAX_CONFIG_BYTES = 4 * 1024 * 1024
const AT_ONCE = 4
/** After so many in one round the storage is taken to be away. */
const MAX_FAILURES = 5
const BUNDLE_PART = 'io.cnab.manifest.type'

export interface FillerParts {
  database: Database
  storage: Storage
  log: Logger
}

/**
 * Finds what the tables do not say yet of manifests: what their configs hold, and of those from before there were facts
 * everything else too. A config that is not there or cannot be read is done with; when the storage fails, the manifest
 * is left for the next round. Several replicas may do so at once. Answers how many were found.
 */
export async function fillFacts(parts: FillerParts): Promise<number> {
  await settleShown(parts.database)
  let filled = 0
  // Finding out of one may ask for another again, whose turn was before.
  for (;;) {
    const { found, failures } = await fillOnce(parts)
    filled += found
    if (found === 0 || failures > 0) return filled
  }
}

async function fillOnce({ database, storage, log }: FillerParts): Promise<{ found: number; failures: number }> {
  const store = fillerStore(database)
  let found = 0
  let failures = 0
  const onFailure = (err: unknown, { digest }: Unfilled) => {
    failures++
    log.warn('the facts of an artifact could not be found, will try again', { digest, err })
  }
  for (let last = 0; failures < MAX_FAILURES; ) {
    const batch = await store.list(last, BATCH, BATCH_BYTES)
    if (batch.length === 0) break
    last = batch.at(-1)?.id ?? last
    const facts = await findAll(store, storage, batch, onFailure)
    found += await writeDown(store, facts, onFailure)
  }
  return { found, failures }
}

/** All at once or, when one of them cannot be written down, one by one. */
async function writeDown(store: FillerStore, found: readonly Found[], onFailure: OnFailure): Promise<number> {
  if (found.length === 0) return 0
  try {
    await store.write(found)
    return found.length
  } catch (err) {
    const [only, another] = found
    if (only === undefined || err instanceof Unavailable) throw err
    if (another === undefined) {
      onFailure(err, only.unfilled)
      return 0
    }
    let written = 0
    for (const one of found) written += await writeDown(store, [one], onFailure)
    return written
  }
}

type OnFailure = (err: unknown, unfilled: Unfilled) => void

/** What is read for the facts of a manifest, and which manifest names it. */
interface Wish {
  unfilled: Unfilled
  role: 'config' | 'icon'
  holder: number
  digest: Digest
}

type Read = Partial<Record<Wish['role'], Buffer>>

/** A few at a time, so that not all configs of a batch are in memory at once. */
async function findAll(
  store: FillerStore,
  storage: Storage,
  batch: readonly Unfilled[],
  onFailure: OnFailure,
): Promise<Found[]> {
  const wishes: Wish[] = []
  for (const unfilled of batch) wishes.push(...(await wishesOf(store, unfilled)))
  const places = await store.findBlobs(wishes.map(({ holder, digest }) => ({ id: holder, digest })))
  const byPlace = new Map(places.map((place) => [keyOf(place.manifest_id, place.digest), place]))
  const wishesById = Map.groupBy(wishes, ({ unfilled }) => unfilled.id)
  const queue = [...batch]
  const found: Found[] = []
  const findOn = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      try {
        found.push(findFacts(next, await readAll(storage, wishesById.get(next.id) ?? [], byPlace)))
      } catch (err) {
        onFailure(err, next)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, findOn))
  return found
}

async function readAll(
  storage: Storage,
  wishes: readonly Wish[],
  places: ReadonlyMap<string, BlobPlace>,
): Promise<Read> {
  const read: Read = {}
  for (const { role, holder, digest } of wishes) {
    const place = places.get(keyOf(holder, digest))
    if (place !== undefined && place.size <= MAX_CONFIG_BYTES) read[role] = await readSmallBlob(storage, place)
  }
  return read
}

async function wishesOf(store: FillerStore, unfilled: Unfilled): Promise<Wish[]> {
  const manifest = readManifest(unfilled.bytes, unfilled.media_type)
  const { kind } = factsOf(manifest, unfilled.digest, [])
  const wishes: Wish[] = []
  const icon = isOther(kind) ? iconLayerOf(manifest) : undefined
  if (icon !== undefined) wishes.push({ unfilled, role: 'icon', holder: unfilled.id, digest: icon })
  if (needsConfig(manifest, kind)) {
    wishes.push({ unfilled, role: 'config', holder: unfilled.id, digest: manifest.config.digest })
  }
  const part = kind === KIND.cnab ? bundleConfigOf(manifest) : undefined
  const child = part && (await store.findChild(unfilled.repository_id, part))
  const inside = child && readManifest(child.bytes, child.media_type)
  if (child && inside?.kind === 'image' && inside.config) {
    wishes.push({ unfilled, role: 'config', holder: child.id, digest: inside.config.digest })
  }
  return wishes
}

function findFacts(unfilled: Unfilled, read: Read): Found {
  const { digest } = unfilled
  const manifest = readManifest(unfilled.bytes, unfilled.media_type)
  const { accessory: _, ...facts } = factsOf(manifest, digest, [])
  return {
    unfilled,
    facts,
    annotations: Object.keys(manifest.annotations).length > 0 ? JSON.stringify(manifest.annotations) : null,
    attributes: attributesIn(manifest, facts.kind, read.config) ?? null,
    icon: (read.icon && iconTypeOf(read.icon) && iconLayerOf(manifest)) || null,
    ...(manifest.kind === 'index' && { children: childFactsOf(manifest.children) }),
    accessoryBy: (tags) => accessoryOf(manifest, digest, tags),
  }
}

function attributesIn(manifest: Manifest, kind: string, config: Buffer | undefined): string | undefined {
  if (manifest.kind === 'image') return attributesOf(manifest, kind, config)
  return config && bundleAttributes(config)
}

/** The child of a bundle that holds its config. */
function bundleConfigOf(manifest: Manifest): Digest | undefined {
  if (manifest.kind !== 'index') return undefined
  return manifest.children.find(({ annotations }) => annotations?.[BUNDLE_PART] === 'config')?.digest
}

/** A kind of somebody else's, which may have an icon of its own. */
function isOther(kind: string): boolean {
  return kind === KIND.unknown || !Object.values<string>(KIND).includes(kind)
}

function keyOf(id: number, digest: string): string {
  return `${id} ${digest}`
}
