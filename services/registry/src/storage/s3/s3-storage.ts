import { randomUUID } from 'node:crypto'
import type { BlockList, LookupFunction } from 'node:net'
import { Writable } from 'node:stream'
import type { S3Settings } from '@berth/runtime'
import { limited } from '../../limited.ts'
import {
  BytesMissing,
  requirePlace,
  type Storage,
  type StorageKey,
  type StoredUpload,
  type UploadState,
} from '../storage.ts'
import { isInNetworks } from '../storage-settings.ts'
import { objectBytes } from './object-bytes.ts'
import { type PagePool, pagePool } from './page-pool.ts'
import { probed } from './probed.ts'
import { s3Bucket } from './s3-bucket.ts'
import { MIN_CHUNK_BYTES, S3UploadWriter } from './s3-upload-writer.ts'
import { sessionNames } from './session-names.ts'
import { bytesOf, type S3State, stateOf, type Tail, toRow } from './upload-state.ts'

const SWEEP_BOUND = 1_000
/** Pieces of sessions that are alive come between those that are not. */
const LOOK_BOUND = 20_000
/** Tails that are read back at the same time; each is a little less than a part at most. */
const READING_BACK = 4

/**
 * Blobs as objects of one bucket. The object an upload is written to is the blob: nothing is copied when it becomes
 * one. Any number of replicas on any number of hosts may share a bucket.
 */
export function s3Storage(
  settings: S3Settings,
  options: {
    env?: NodeJS.ProcessEnv
    lookup?: LookupFunction
    pool?: PagePool
    /** Clients that do not reach the S3 and are never sent there. */
    streamNetworks?: BlockList
  } = {},
): Storage {
  const { env = process.env, lookup, pool = pagePool(), streamNetworks } = options
  const bucket = s3Bucket(settings, { env, lookup })
  const whenFree = limited(READING_BACK)

  const readTails = (tails: readonly Tail[]) =>
    whenFree(async () => {
      const chunks: Buffer[] = []
      const write = (chunk: Buffer, _encoding: unknown, done: () => void) => {
        chunks.push(chunk)
        done()
      }
      for (const { key, size } of tails) {
        const stored = await openObject(key as StorageKey, size)
        await stored.sendTo(new Writable({ write }))
      }
      return Buffer.concat(chunks)
    })

  const openObject: Storage['read'] = async (key, size, range) => {
    requirePlace(key)
    const [start, length] = range === undefined ? [0, size] : [range.start, range.lengthBytes]
    if (length === 0) {
      await bucket.size(key)
      return { sendTo: async () => undefined, close: async () => undefined }
    }
    const reopen = (at: number) =>
      bucket.open(key, size, { start: start + at, end: start + length - 1, lengthBytes: length - at })
    return objectBytes(await bucket.open(key, size, range), length, reopen)
  }

  /** Everything of a session somebody may have made without recording it. */
  async function removeUnrecorded(session: string, except?: StorageKey): Promise<void> {
    for (const prefix of [`uploads/${session}.`, sessionNames.folderOf(session)]) {
      const found = await bucket.list(prefix, '', SWEEP_BOUND)
      await bucket.remove(found.map(({ name }) => name).filter((name) => name !== except))
    }
    const begun = await bucket.listBegun(sessionNames.folderOf(session))
    for (const { key, id } of begun) if (key !== except) await bucket.abortParts(key, id)
  }

  async function removePieces(state: S3State, except?: StorageKey): Promise<void> {
    const pieces = [...state.tails.map(({ key }) => key), ...state.spent]
    await bucket.remove(pieces.filter((key) => key !== state.plain && key !== except))
  }

  /** Puts the pieces together; what is one object already stays what it is. */
  async function store(upload: StoredUpload, key: StorageKey): Promise<void> {
    requirePlace(key)
    const { parts, tails, multipart, next, plain } = stateOf(upload)
    if (parts.length === 0) {
      if (key !== plain) await bucket.put(key, tails.length === 0 ? [] : [await readTails(tails)])
      return
    }
    if (multipart === undefined) throw new Error('parts without an upload')
    const all = [...parts]
    try {
      if (tails.length > 0) {
        const etag = await bucket.putPart(multipart.key, multipart.id, next, [await readTails(tails)])
        all.push({ number: next, etag, size: bytesOf(tails) })
      }
    } catch (err) {
      // Who stored it before and could not say so has taken the upload with it.
      if (!(err instanceof BytesMissing) || (await bucket.size(multipart.key).catch(() => -1)) !== upload.offset)
        throw err
      return
    }
    await bucket.completeParts(multipart.key, multipart.id, all, upload.offset)
  }

  return {
    driver: 's3',
    sharesKeys: true,
    minChunkBytes: MIN_CHUNK_BYTES,
    openUpload: async (upload, writing) => {
      requirePlace(upload.path)
      const state = stateOf(upload)
      // Recorded as spent by somebody who has gone: nothing names them any more. What fails is found again by its age.
      if (state.spent.length > 0) bucket.remove(state.spent).catch(() => undefined)
      const names = sessionNames.of(writing.holder)
      return new S3UploadWriter({ ...state, spent: [] }, { bucket, pool, readTails, names }, writing)
    },
    salvage: async (upload) => {
      const state: UploadState = toRow({ ...stateOf(upload), salvaged: true })
      return { upload: { ...upload, state }, passed: false }
    },
    keyFor: (upload, _digest, holder) => {
      const { parts, tails, plain, multipart } = stateOf(upload)
      if (parts.length > 0 && multipart !== undefined) return multipart.key
      return tails.length === 1 && tails[0]?.key === plain && plain !== undefined ? plain : sessionNames.wholeOf(holder)
    },
    store,
    keysOf: (upload) => {
      const { plain } = stateOf(upload)
      return plain === undefined ? [] : [plain]
    },
    discard: async (upload) => {
      requirePlace(upload.path)
      const state = stateOf(upload)
      if (state.multipart !== undefined) await bucket.abortParts(state.multipart.key, state.multipart.id)
      await removePieces(state)
      if (state.salvaged) await removeUnrecorded(sessionNames.sessionOf(upload.path))
    },
    tidy: async (upload, key) => {
      const state = stateOf(upload)
      const { multipart } = state
      if (multipart !== undefined && multipart.key !== key) await bucket.abortParts(multipart.key, multipart.id)
      await removePieces(state, key)
      if (state.salvaged) await removeUnrecorded(sessionNames.sessionOf(upload.path), key)
    },
    discardAbandoned: async (olderThanMs, isKnown) => {
      const until = Date.now() - olderThanMs
      const isAbandoned = async (name: string, at: Date) =>
        at.getTime() < until && !(await isKnown(sessionNames.sessionOf(name)))
      const pieces: string[] = []
      for (const { name, modifiedAt } of await bucket.list('uploads/', '', LOOK_BOUND)) {
        if (pieces.length < SWEEP_BOUND && (await isAbandoned(name, modifiedAt))) pieces.push(name)
      }
      await bucket.remove(pieces)
      let discarded = pieces.length
      for (const { key, id, begunAt } of await bucket.listBegun('blobs/')) {
        if (!(await isAbandoned(key, begunAt))) continue
        await bucket.abortParts(key, id)
        discarded++
      }
      return discarded
    },
    read: openObject,
    urlOf: async (key, clientAddress) => {
      requirePlace(key)
      const mustStream = streamNetworks !== undefined && isInNetworks(streamNetworks, clientAddress)
      return settings.redirect && !mustStream ? bucket.urlOf(key) : undefined
    },
    remove: async (keys) => {
      for (const key of keys) requirePlace(key)
      await bucket.remove(keys)
    },
    list: (prefix, after, limit) => bucket.list(prefix, after, limit),
    volumes: async () => [],
    probe: probed(() => bucket.probe(`uploads/probe-${randomUUID()}`)),
  }
}
