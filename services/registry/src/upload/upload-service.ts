import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
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
import { admit, admitPush, type ProjectStore, requireRoom, type WithProject } from '../project/index.ts'
import { BytesMissing, holderOf, type Storage, type StorageKey, uploadPathOf } from '../storage/index.ts'
import { consume } from './consume.ts'
import { HeldUpload, HoldLost } from './held-upload.ts'
import { digestOfStored, salvage } from './recover.ts'
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
  /** Chunks before the last one should have so many; absent: any number. */
  readonly minChunkBytes?: number
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
    const upload = { path: row.held_path, offset: row.held_offset, state: row.held_state }
    const wasReleased = row.released && generation === row.generation + 1
    const known = hashes.take(id, generation, upload.offset)
    const hasher = known ?? (upload.offset === 0 ? createHasher(row.algorithm) : undefined)
    const knownDigest = wasReleased ? (row.held_digest ?? undefined) : undefined
    const held = new HeldUpload({ id, generation, upload, hasher, knownDigest, askedAt }, { store, storage, leaseMs })
    if (wasReleased) return held
    const sealedKey = row.held_sealed_key
    try {
      await salvage(storage, held, row.algorithm, sealedKey)
      if (sealedKey !== null && !storage.sharesKeys && !(await store.isLive(sealedKey))) {
        await storage.remove([sealedKey])
      }
      return held
    } catch (err) {
      await held.stop()
      throw await unlessBytesAreGone(held, err)
    }
  }

  /** What to tell of a failure. A session whose bytes are gone is of no use to anybody. */
  async function unlessBytesAreGone(held: HeldUpload, err: unknown): Promise<unknown> {
    if (!(err instanceof BytesMissing)) return err
    log.warn('the bytes of an upload are gone', { session: held.id, offset: held.upload.offset, err })
    await drop(held)
    return unknownUpload()
  }

  /** Ends a session that becomes no blob, then removes what it left: by then nobody else can count on it. */
  async function drop(held: HeldUpload): Promise<void> {
    const { upload, sealedKey } = held
    const spent = storage.keysOf(upload)
    if (sealedKey !== undefined && !spent.includes(sealedKey)) spent.push(sealedKey)
    if (!(await store.forget(held, spent))) return
    await storage.discard(upload)
    await trash.remove(spent)
  }

  /** Says how far we came and lets others in. @throws {HoldLost} somebody else is in already: it does not count */
  async function release(held: HeldUpload): Promise<void> {
    await held.closeWriter({ isLast: false })
    await held.stop()
    const { id, generation, hasher } = held
    const { offset } = held.upload
    if (!(await store.keep(held, 0, hasher?.copy().digest()))) throw new HoldLost()
    if (hasher !== undefined) hashes.keep(id, { generation, offset, hasher })
  }

  /** A failure under way stays the failure that is told. */
  async function releaseQuietly(held: HeldUpload): Promise<void> {
    await release(held).catch((err) => log.warn('an upload session could not be released', { session: held.id, err }))
  }

  /** Answers whether any bytes came. */
  async function receive(held: HeldUpload, chunk: Chunk, options: { isLast: boolean }): Promise<boolean> {
    const before = held.upload
    try {
      await consume(chunk.body, (bytes) => held.take(bytes, options))
    } finally {
      await held.closeWriter(options)
    }
    const received = held.upload.offset - before.offset
    if (chunk.length === undefined || received === chunk.length) return received > 0
    held.resume(before)
    throw new SizeInvalid('the chunk is not as long as its Content-Range says')
  }

  /** Receives what a client sends to a session; whatever goes wrong, the session is left as far as it came. */
  async function receiveOrRelease(held: HeldUpload, chunk: Chunk, options: { isLast: boolean }): Promise<boolean> {
    try {
      return await receive(held, chunk, options)
    } catch (err) {
      if (err instanceof BytesMissing) {
        await held.stop()
        throw await unlessBytesAreGone(held, err)
      }
      await releaseQuietly(held)
      throw err
    }
  }

  /** The digest of the bytes, if it is known without reading them. */
  function runningDigest(held: HeldUpload, digest: Digest, received: boolean, algorithm: SupportedAlgorithm) {
    if (algorithm !== algorithmOf(digest)) return undefined
    return held.hasher?.copy().digest() ?? (received ? undefined : held.knownDigest)
  }

  /** @throws {DigestInvalid} and forgets the session, and the bytes if they are stored already */
  async function refuse(held: HeldUpload, digest: Digest): Promise<never> {
    await held.stop()
    await drop(held)
    throw new DigestInvalid(digest, 'provided digest did not match uploaded content')
  }

  /**
   * Makes the bytes durable under a key of their own, then says so in one statement. What nobody has hashed on its way
   * in is read before.
   *
   * @param known the digest of the bytes, if it is known
   */
  async function commit(held: HeldUpload, projectId: number, digest: Digest, known: string | undefined): Promise<void> {
    if (known !== undefined && known !== digest) return refuse(held, digest)
    const { upload } = held
    const key = storage.keyFor(upload, digest, holderOf(held))
    held.require()
    const sealed = await store.seal(held, key, digest, leaseMs)
    if (sealed === undefined) throw new HoldLost()
    held.sealedKey = key
    const made = storage.keysOf(upload)
    if (known !== undefined && sealed.blobExists && !sealed.isCorrupt) {
      if (await store.adopt(held, { projectId, digest, spent: made })) {
        return later('discard', Promise.all([storage.discard(upload), trash.remove(made)]))
      }
    }
    held.require()
    await storage.store(upload, key)
    if (known === undefined && !(await isStored(key, upload.offset, digest))) return refuse(held, digest)
    held.require()
    const ending = { projectId, digest, spent: made.filter((one) => one !== key) }
    const healed = sealed.isCorrupt ? await store.heal(held, ending, key) : undefined
    const live = healed ?? (await store.commit(held, ending, key))
    if (live !== undefined) {
      const spent = live === key ? ending.spent : [key, ...ending.spent]
      return later('tidy', Promise.all([storage.tidy(upload, key), trash.remove(spent)]))
    }
    // Where keys are shared, whoever has the session now may have made it a blob under this one.
    if (!storage.sharesKeys) await storage.remove([key])
    throw new HoldLost()
  }

  async function isStored(key: StorageKey, size: number, digest: Digest): Promise<boolean> {
    return (await digestOfStored(await storage.read(key, size), algorithmOf(digest) as SupportedAlgorithm)) === digest
  }

  /** Not waited for: what fails here is found again by the sweep. */
  function later(what: string, work: Promise<unknown>): void {
    work.catch((err) => log.warn('bytes nobody needs could not be removed yet', { what, err }))
  }

  return {
    minChunkBytes: storage.minChunkBytes,
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
      const upload = { path: uploadPathOf(`${id}.1`), offset: 0, state: null }
      const hold = { id, generation: 1, upload, hasher: createHasher(algorithm), askedAt }
      const held = new HeldUpload(hold, { store, storage, leaseMs })
      try {
        const received = await receive(held, chunk, { isLast: true })
        await commit(held, projectId, digest, runningDigest(held, digest, received, algorithm))
      } catch (err) {
        await held.stop()
        await drop(held).catch((failure) => log.warn('an upload could not be dropped', { session: id, err: failure }))
        throw err
      } finally {
        await held.stop()
      }
    },
    async append(address, chunk) {
      const { held } = await hold(address, chunk.offset, { bytes: chunk.announcedBytes })
      await receiveOrRelease(held, chunk, { isLast: false })
      await release(held)
      return held.upload.offset
    },
    async finish(address, digest, chunk) {
      const { held, row } = await hold(address, chunk?.offset, { digest, bytes: chunk?.announcedBytes ?? 0 })
      const received = chunk !== undefined && (await receiveOrRelease(held, chunk, { isLast: true }))
      try {
        await commit(held, row.project_id, digest, runningDigest(held, digest, received, row.algorithm))
      } catch (err) {
        await held.stop()
        // Where the bytes stay where they are, the client may try again at once; else when the lease has run out.
        if (storage.sharesKeys && !(err instanceof DigestInvalid)) await releaseQuietly(held)
        throw await unlessBytesAreGone(held, err)
      } finally {
        await held.stop()
      }
    },
    async find(address) {
      const row = await withProject(address.name, async () => admit(await store.status(address), address.grant))
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
