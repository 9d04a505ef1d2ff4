import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Unavailable } from '@berth/errors'
import {
  algorithmOf,
  BlobUploadUnknown,
  createHasher,
  type Digest,
  DigestInvalid,
  parseSessionId,
  type SessionId,
  type SupportedAlgorithm,
} from '@berth/oci'
import type { Logger } from '@berth/runtime'
import { SizeInvalid } from '../http/index.ts'
import { admitPush, type ProjectStore, requireRoom, type WithProject } from '../project/index.ts'
import { BytesMissing, type Storage, storageKeyOf, uploadPathOf } from '../storage/index.ts'
import { HeldUpload, HoldLost } from './held-upload.ts'
import { hashUpload, salvage } from './recover.ts'
import { runningHashes } from './running-hashes.ts'
import type { Trash } from './trash.ts'
import { ChunkOutOfOrder } from './upload-errors.ts'
import type { AcquiredRow, Expected, SessionAddress, UploadStore } from './upload-store.ts'

const POLL_MS = 100
const PATIENCE_MS = 2_000

/** Bytes for a session. `offset` is where they say they begin, `length` how many there must be. */
export interface Chunk {
  body: Readable
  /** As the client says; 0 when it does not. */
  announcedBytes: number
  offset?: number
  length?: number
}

type Pusher = Pick<SessionAddress, 'name' | 'grant' | 'subject'>

export interface Uploads {
  start(pusher: Pusher, algorithm: SupportedAlgorithm): Promise<SessionId>
  /** A blob in one request. */
  put(pusher: Pusher, digest: Digest, chunk: Chunk): Promise<void>
  /**
   * Appends a chunk and answers how many bytes there are now.
   *
   * @throws {BlobUploadUnknown} no such session of this subject in this repository, or it has expired
   * @throws {ChunkOutOfOrder} it does not begin where the session ends; nothing was read of it
   */
  append(address: SessionAddress, chunk: Chunk): Promise<number>
  /** Appends the last chunk, if any, and makes the bytes a blob. @throws {DigestInvalid} they are another one */
  finish(address: SessionAddress, digest: Digest, chunk: Chunk | undefined): Promise<void>
  /** How many bytes there are. */
  find(address: SessionAddress): Promise<number>
  cancel(address: SessionAddress): Promise<void>
}

export interface UploadParts {
  store: UploadStore
  projects: Pick<ProjectStore, 'ensureRepository'>
  withProject: WithProject
  storage: Storage
  trash: Trash
  log: Logger
  leaseMs: number
}

export function createUploads(parts: UploadParts): Uploads {
  const { store, projects, withProject, storage, trash, log, leaseMs } = parts
  const hashes = runningHashes()

  /** @throws {Denied} over quota, as far as can be said by now */
  async function open(
    address: SessionAddress,
    algorithm: SupportedAlgorithm,
    lease: number,
    expected: Expected,
  ): Promise<number> {
    const path = uploadPathOf(`${address.id}.1`)
    for (let attempt = 1; ; attempt++) {
      const row = await withProject(address.name, async () =>
        admitPush(await store.start(address, { algorithm, path, leaseMs: lease, expected }), address.grant),
      )
      if (!row.fits) requireRoom(row, expected.bytes)
      if (row.upload_id !== null) return row.project_id
      if (attempt === 3) throw new Unavailable('the upload could not be started')
      await projects.ensureRepository(row.project_id, address.name)
    }
  }

  /** Waits while somebody else writes: their lease ends with their request, or by itself when they are gone. */
  async function hold(
    address: SessionAddress,
    offset?: number,
    expected?: Expected,
  ): Promise<{ held: HeldUpload; row: AcquiredRow }> {
    const until = performance.now() + leaseMs + PATIENCE_MS
    for (;;) {
      const askedAt = performance.now()
      const row = await withProject(address.name, async () =>
        admitPush(await store.acquire(address, leaseMs, offset, expected), address.grant),
      )
      if (row.upload_id === null || row.subject !== address.subject) throw unknownUpload()
      if (!row.fits) requireRoom(row, row.offset_bytes + (expected?.bytes ?? 0))
      if (row.held_generation !== null) return { held: await take(address.id, row, row.held_generation, askedAt), row }
      if (!row.leased && offset !== undefined && row.offset_bytes !== offset)
        throw new ChunkOutOfOrder(row.offset_bytes)
      if (performance.now() > until) throw new Unavailable('the upload session is in use', { retryAfterSeconds: 2 })
      await sleep(POLL_MS)
    }
  }

  async function take(id: SessionId, row: AcquiredRow, generation: number, askedAt: number): Promise<HeldUpload> {
    const { held_offset: offset, held_path: path, algorithm } = row
    const wasReleased = row.released && generation === row.generation + 1
    const known = hashes.take(id, generation, offset)
    const hasher = known ?? createHasher(algorithm)
    const held = new HeldUpload({ id, generation, path, offset, hasher, askedAt }, { store, storage, leaseMs })
    try {
      if (!wasReleased) {
        await salvage(storage, held, algorithm, row.held_sealed_key)
        if (row.held_sealed_key !== null) await removeUnlessLive(row.held_sealed_key)
      } else if (known === undefined && offset > 0) {
        held.hasher = await hashUpload(storage, path, offset, algorithm)
      }
      return held
    } catch (err) {
      await held.stop()
      if (!(err instanceof BytesMissing)) throw err
      log.warn('the bytes of an upload are gone', { session: id, offset, err })
      await drop(held)
      throw unknownUpload()
    }
  }

  async function removeUnlessLive(key: NonNullable<AcquiredRow['held_sealed_key']>): Promise<void> {
    if (!(await store.isLive(key))) await storage.remove([key])
  }

  async function drop(held: HeldUpload): Promise<void> {
    await storage.discard(held.path)
    await store.forget(held)
  }

  /** Says how far we came and lets others in. */
  async function release(held: HeldUpload): Promise<void> {
    await held.closeWriter()
    await held.stop()
    const { id, generation, offset, hasher } = held
    if ((await store.keep(held, 0)) && hasher !== undefined) hashes.keep(id, { generation, offset, hasher })
  }

  /** A failure under way stays the failure that is told. */
  async function releaseQuietly(held: HeldUpload): Promise<void> {
    await release(held).catch((err) => log.warn('an upload session could not be released', { session: held.id, err }))
  }

  async function receive(held: HeldUpload, chunk: Chunk): Promise<void> {
    const before = held.offset
    try {
      await pipeline(chunk.body, held.sink())
    } finally {
      await held.closeWriter()
    }
    if (chunk.length === undefined || held.offset - before === chunk.length) return
    held.offset = before
    throw new SizeInvalid('the chunk is not as long as its Content-Range says')
  }

  /** @throws {DigestInvalid} and forgets the session */
  async function requireDigest(held: HeldUpload, digest: Digest, algorithm: SupportedAlgorithm): Promise<void> {
    const running = algorithm === algorithmOf(digest) ? held.hasher : undefined
    const hasher =
      running ?? (await hashUpload(storage, held.path, held.offset, algorithmOf(digest) as SupportedAlgorithm))
    if (hasher.digest() === digest) return
    await held.stop()
    await drop(held)
    throw new DigestInvalid(digest, 'provided digest did not match uploaded content')
  }

  /** Makes the bytes durable under a key of their own, then says so in one statement. */
  async function commit(held: HeldUpload, projectId: number, digest: Digest): Promise<void> {
    const key = storageKeyOf(digest, `${held.id}.${held.generation}`)
    held.require()
    const sealed = await store.seal(held, key, digest, leaseMs)
    if (sealed === undefined) throw new HoldLost()
    if (sealed.blobExists && (await store.adopt(held, projectId, digest))) {
      return later('discard', storage.discard(held.path))
    }
    await held.touchStorage()
    await storage.store(held.path, key, held.offset)
    held.require()
    const healed = sealed.isCorrupt ? await store.heal(held, projectId, digest, key) : undefined
    const live = healed ?? (await store.commit(held, projectId, digest, key))
    if (live === key) return
    if (live !== undefined) return later('trash', trash.remove([key]))
    await storage.remove([key])
    throw new HoldLost()
  }

  /** Not waited for: what fails here is found again by the sweep. */
  function later(what: string, work: Promise<unknown>): void {
    work.catch((err) => log.warn('bytes nobody needs could not be removed yet', { what, err }))
  }

  return {
    async start(pusher, algorithm) {
      const id = newSessionId()
      await open({ ...pusher, id }, algorithm, 0, { bytes: 0 })
      return id
    },
    async put(pusher, digest, chunk) {
      const id = newSessionId()
      const algorithm = algorithmOf(digest) as SupportedAlgorithm
      const askedAt = performance.now()
      const projectId = await open({ ...pusher, id }, algorithm, leaseMs, { digest, bytes: chunk.announcedBytes })
      const path = uploadPathOf(`${id}.1`)
      const hold = { id, generation: 1, path, offset: 0, hasher: createHasher(algorithm), askedAt }
      const held = new HeldUpload(hold, { store, storage, leaseMs })
      try {
        await receive(held, chunk)
      } catch (err) {
        await held.stop()
        await drop(held).catch((failure) => log.warn('an upload could not be dropped', { session: id, err: failure }))
        throw err
      }
      try {
        await requireDigest(held, digest, algorithm)
        await commit(held, projectId, digest)
      } finally {
        await held.stop()
      }
    },
    async append(address, chunk) {
      const { held } = await hold(address, chunk.offset, { bytes: chunk.announcedBytes })
      try {
        await receive(held, chunk)
      } catch (err) {
        await releaseQuietly(held)
        throw err
      }
      await release(held)
      return held.offset
    },
    async finish(address, digest, chunk) {
      const { held, row } = await hold(address, chunk?.offset, { digest, bytes: chunk?.announcedBytes ?? 0 })
      try {
        if (chunk !== undefined) await receive(held, chunk)
      } catch (err) {
        await releaseQuietly(held)
        throw err
      }
      try {
        await requireDigest(held, digest, row.algorithm)
        await commit(held, row.project_id, digest)
      } finally {
        await held.stop()
      }
    },
    async find(address) {
      const row = await withProject(address.name, async () => admitPush(await store.status(address), address.grant))
      if (row.upload_id === null || row.subject !== address.subject) throw unknownUpload()
      return row.offset_bytes
    },
    async cancel(address) {
      const { held } = await hold(address)
      await held.stop()
      await drop(held)
    },
  }
}

function newSessionId(): SessionId {
  return parseSessionId(randomUUID())
}

function unknownUpload(): BlobUploadUnknown {
  return new BlobUploadUnknown('blob upload unknown to registry')
}
