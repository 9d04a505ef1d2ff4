import type { Database, Queries } from '@berth/db'
import type { Logger } from '@berth/runtime'
import { type Chore, choreOf } from '../chore/index.ts'
import type { Storage } from '../storage/index.ts'
import { type Finding, hashStored } from './hash-stored.ts'
import { clearContentCorrupt, clearCorrupt, isContentOf, markContentCorrupt, markCorrupt } from './mark-corrupt.ts'
import type { Pace } from './pace.ts'
import {
  type ListedBlob,
  type ListedContent,
  listBlobsAfter,
  listContentsAfter,
  noteVerifiedBlobs,
  noteVerifiedContents,
  readContentOf,
} from './scrub-store.ts'

/** How long what has been done may be lost by a crash. */
const KEEP_MS = 2_000
/** What opening anything costs beside its bytes. */
const OPEN_BYTES = 4_096
const MAX_FAILURES = 5

export interface ScrubFigures {
  checked: number
  checkedBytes: number
  /** Found corrupt that was not known to be. */
  corrupt: number
  /** Known as corrupt and found right again. */
  healed: number
  /** Could not be read, which says nothing of their bytes. */
  unread: number
}

export interface ScrubParts {
  database: Database
  storage: Storage
  log: Logger
  pace: Pace
  /** A corrupt one was told of in the outbox. */
  onChange?: () => void
  onProgress?: (figures: ScrubFigures) => void
}

/** One kind of what is scrubbed: how a page of it is had, looked at and noted. */
interface Part<Item> {
  chore: Chore
  list(cursor: string): Promise<Item[]>
  cursorOf(item: Item): string
  sizeOf(item: Item): number
  look(item: Item): Promise<Finding | 'gone'>
  mark(item: Item, finding: Exclude<Finding, 'good'>): Promise<boolean>
  clear(item: Item): Promise<boolean>
  note(tx: Queries, items: readonly Item[]): Promise<void>
}

/**
 * One round over everything stored: bytes of blobs, then bytes of manifests. Goes on where the last one was broken off;
 * a part whose last round began less than `everyMs` ago is left out.
 *
 * @throws when the storage itself fails, or `pace` is told to stop; the round goes on another time
 */
export async function scrubRound(parts: ScrubParts, everyMs: number): Promise<ScrubFigures> {
  const figures: ScrubFigures = { checked: 0, checkedBytes: 0, corrupt: 0, healed: 0, unread: 0 }
  await scrubPart(parts, blobPart(parts), everyMs, figures)
  await scrubPart(parts, contentPart(parts), everyMs, figures)
  return figures
}

function blobPart({ database, storage, pace }: ScrubParts): Part<ListedBlob & { corrupt: boolean }> {
  return {
    chore: choreOf(database, 'scrub-blobs'),
    list: (cursor) => listBlobsAfter(database, cursor),
    cursorOf: ({ id }) => String(id),
    sizeOf: ({ size }) => size,
    look: (blob) => hashStored(storage, blob, pace),
    mark: (blob, reason) => markCorrupt(database, blob, reason),
    clear: (blob) => clearCorrupt(database, blob),
    note: (tx, blobs) =>
      noteVerifiedBlobs(
        tx,
        blobs.map(({ id }) => id),
      ),
  }
}

function contentPart({ database, pace }: ScrubParts): Part<ListedContent> {
  return {
    chore: choreOf(database, 'scrub-manifests'),
    list: (cursor) => listContentsAfter(database, cursor),
    cursorOf: ({ digest }) => digest,
    sizeOf: ({ size }) => size,
    async look({ digest, size }) {
      await pace.spend(size)
      const bytes = await readContentOf(database, digest)
      if (bytes === undefined) return 'gone'
      return isContentOf(bytes, digest) ? 'good' : 'changed'
    },
    mark: ({ digest, size }) => markContentCorrupt(database, digest, size),
    clear: ({ digest }) => clearContentCorrupt(database, digest),
    note: (tx, contents) =>
      noteVerifiedContents(
        tx,
        contents.map(({ digest }) => digest),
      ),
  }
}

async function scrubPart<Item extends { digest: string; corrupt: boolean }>(
  parts: ScrubParts,
  part: Part<Item>,
  everyMs: number,
  figures: ScrubFigures,
): Promise<void> {
  const { database, storage, log, pace, onProgress } = parts
  let cursor = await part.chore.take(everyMs)
  if (cursor === undefined) return
  let good: Item[] = []
  let keptAt = performance.now()
  const keep = async (at: string) => {
    const noted = good
    good = []
    keptAt = performance.now()
    await database.transaction(async (tx) => {
      if (noted.length > 0) await part.note(tx, noted)
      await part.chore.keep(at, tx)
    })
  }
  for (let failures = 0; ; ) {
    const page: Item[] = await part.list(cursor)
    for (const item of page) {
      await pace.spend(OPEN_BYTES)
      const finding = await part.look(item).catch(async (err) => {
        if ((err as Error).name === 'AbortError') throw err
        // So many after each other may be of one bad disk: what comes behind them is to be looked at all the same.
        if (++failures > MAX_FAILURES) {
          await storage.probe()
          failures = 0
        }
        log.warn('stored bytes could not be read to verify them', { digest: item.digest, err })
        figures.unread++
        return undefined
      })
      if (finding !== undefined) failures = 0
      if (finding === 'good') good.push(item)
      if (finding !== undefined) await settle(parts, part, item, finding, figures)
      cursor = part.cursorOf(item)
      if (performance.now() - keptAt > KEEP_MS) await keep(cursor)
      onProgress?.(figures)
    }
    if (page.length === 0) break
    await keep(cursor)
  }
  await part.chore.finish()
}

/** Writes down what was found of one item. */
async function settle<Item extends { digest: string; corrupt: boolean }>(
  { log, onChange }: ScrubParts,
  part: Part<Item>,
  item: Item,
  finding: Finding | 'gone',
  figures: ScrubFigures,
): Promise<void> {
  if (finding === 'gone') return
  figures.checked++
  if (finding === 'good') {
    figures.checkedBytes += part.sizeOf(item)
    if (!item.corrupt || !(await part.clear(item))) return
    figures.healed++
    log.info('stored bytes that were corrupt are right again', { digest: item.digest })
    return
  }
  // Known already, gone, or replaced while it was read.
  if (!(await part.mark(item, finding))) return
  figures.corrupt++
  log.error('stored bytes are corrupt', { digest: item.digest, found: finding })
  onChange?.()
}
