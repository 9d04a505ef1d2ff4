import { type Database, statement } from '@berth/db'
import { type Digest, projectOf, type RepositoryName, type SessionId, type SupportedAlgorithm } from '@berth/oci'
import type { Grant } from '../auth/index.ts'
import { QUOTA_LIMIT } from '../policy/index.ts'
import { CHANGE_FACTS, type ChangeFacts } from '../project/index.ts'
import type { StorageKey, StoredUpload, UploadPath, UploadState } from '../storage/index.ts'

/** Sessions are rows that may be lost in a crash of Postgres: the client then starts its upload again. */
const ASYNC = "c AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))"

/** Which session, and for whom. */
export interface SessionAddress {
  id: SessionId
  name: RepositoryName
  grant: Grant
  subject: string
}

/** Which blob the bytes are said to become, if that is known, and how many of them are announced. */
export interface Expected {
  digest?: Digest
  bytes: number
}

interface StartedRow extends ChangeFacts {
  repository_id: number | null
  upload_id: string | null
  /** There is room for the bytes in the quota, or they count in the project already. */
  fits: boolean
}

/** What is known of a session when somebody wants to write to it; `held_*` are null when it could not be had. */
export interface AcquiredRow extends ChangeFacts {
  upload_id: string | null
  subject: string | null
  algorithm: SupportedAlgorithm
  offset_bytes: number
  generation: number
  leased: boolean
  /** Its last holder has said that it writes no more. */
  released: boolean
  /** There is room in the quota for what it holds and what is announced, or it may be what counts already. */
  fits: boolean
  held_generation: number | null
  held_offset: number
  held_path: UploadPath
  held_state: UploadState | null
  /** Of the bytes so far, where its last holder knew it. */
  held_digest: Digest | null
  held_sealed_key: StorageKey | null
}

interface StatusRow extends ChangeFacts {
  upload_id: string | null
  subject: string | null
  offset_bytes: number
}

interface ExpiredRow {
  id: SessionId
  generation: number
  path: UploadPath
  offset_bytes: number
  storage_state: UploadState | null
  sealed_key: StorageKey | null
}

const COUNTS = `EXISTS (
       SELECT 1 FROM blob b JOIN project_blob pb ON pb.blob_id = b.id WHERE b.digest = $12 AND pb.project_id = p.id
     )`

const start = statement<StartedRow>(
  'upload-start',
  `WITH ${ASYNC},
   p AS (
     SELECT ${CHANGE_FACTS}, r.id AS repository_id,
       (${QUOTA_LIMIT} < 0 OR p.used + $13::bigint <= ${QUOTA_LIMIT} OR ${COUNTS}) AS fits
     FROM project p CROSS JOIN c LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2
     WHERE p.name = $1 AND p.state <> 'deleted' FOR KEY SHARE OF p
   ),
   u AS (
     INSERT INTO upload (id, repository_id, subject, algorithm, path, holder, generation, lease_until, expires_at)
     SELECT $3, p.repository_id, $4, $5, $6, $7, 1, now() + $8 * interval '1 ms', now() + $9 * interval '1 ms'
     FROM p
     WHERE p.repository_id IS NOT NULL AND p.state = 'open' AND p.kind = 'local' AND p.fits AND NOT p.read_only
       AND p.project_id = $10 AND p.access_revision <= $11
     RETURNING id
   )
   SELECT p.*, (SELECT id FROM u) AS upload_id FROM p`,
)

const acquire = statement<AcquiredRow>(
  'upload-acquire',
  `WITH ${ASYNC},
   s AS (
     SELECT ${CHANGE_FACTS}, u.id AS upload_id, u.subject, u.algorithm, u.offset_bytes, u.generation,
       coalesce(u.lease_until > now(), false) AS leased, u.lease_until IS NULL AS released,
       (${QUOTA_LIMIT} < 0 OR $11::bigint IS NULL OR p.used + u.offset_bytes + $11 <= ${QUOTA_LIMIT}
         OR CASE WHEN $12::text IS NULL THEN u.offset_bytes + $11 <= p.used ELSE ${COUNTS} END) AS fits
     FROM project p CROSS JOIN c
     LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2
     LEFT JOIN upload u ON u.repository_id = r.id AND u.id = $3 AND u.expires_at > now()
     WHERE p.name = $1 AND p.state <> 'deleted'
   ),
   a AS (
     UPDATE upload u SET holder = $5, generation = u.generation + 1, lease_until = now() + $6 * interval '1 ms',
       expires_at = now() + $7 * interval '1 ms'
     FROM s
     WHERE u.id = s.upload_id AND u.subject = $4 AND s.state = 'open' AND s.project_id = $8 AND s.access_revision <= $9
       AND s.fits AND NOT s.read_only
       AND (u.lease_until IS NULL OR u.lease_until <= now()) AND ($10::bigint IS NULL OR u.offset_bytes = $10)
     RETURNING u.generation, u.offset_bytes, u.path, u.storage_state, u.digest, u.sealed_key
   )
   SELECT s.*, a.generation AS held_generation, a.offset_bytes AS held_offset, a.path AS held_path,
     a.storage_state AS held_state, a.digest AS held_digest, a.sealed_key AS held_sealed_key
   FROM s LEFT JOIN a ON true`,
)

const status = statement<StatusRow>(
  'upload-status',
  `SELECT ${CHANGE_FACTS}, u.id AS upload_id, u.subject, u.offset_bytes
   FROM project p
   LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2
   LEFT JOIN upload u ON u.repository_id = r.id AND u.id = $3 AND u.expires_at > now()
   WHERE p.name = $1 AND p.state <> 'deleted'`,
)

const keep = statement<{ id: string }>(
  'upload-keep',
  `WITH ${ASYNC}
   UPDATE upload SET offset_bytes = $3, path = $4, lease_until = now() + $5 * interval '1 ms',
     expires_at = now() + $6 * interval '1 ms', storage_state = $7, digest = $8
   FROM c WHERE id = $1 AND generation = $2 RETURNING id`,
)

const seal = statement<{ blob_id: number | null; corrupt: boolean | null }>(
  'upload-seal',
  `WITH ${ASYNC}
   UPDATE upload SET offset_bytes = $3, path = $4, lease_until = now() + $5 * interval '1 ms', sealed_key = $6,
     storage_state = $8, digest = NULL
   FROM c WHERE id = $1 AND generation = $2
   RETURNING (SELECT b.id FROM blob b WHERE b.digest = $7) AS blob_id,
     (SELECT b.corrupt_at IS NOT NULL FROM blob b WHERE b.digest = $7) AS corrupt`,
)

const adopt = statement<{ blob_id: number }>(
  'upload-adopt',
  `WITH p AS (SELECT id FROM project WHERE id = $1 AND state = 'open' FOR KEY SHARE),
   b AS (
     UPDATE blob SET touched_at = now(), condemned_at = NULL FROM p
     WHERE blob.digest = $4 AND blob.size = $5 AND blob.corrupt_at IS NULL
     RETURNING blob.id
   ),
   u AS (DELETE FROM upload USING b WHERE upload.id = $2 AND upload.generation = $3 RETURNING upload.repository_id),
   l AS (
     INSERT INTO repository_blob (repository_id, blob_id) SELECT u.repository_id, b.id FROM u, b
     ON CONFLICT DO NOTHING
   ),
   t AS (INSERT INTO trash (storage_key, size) SELECT s, 0 FROM u, unnest($6::text[]) AS s ON CONFLICT DO NOTHING)
   SELECT b.id AS blob_id FROM b, u`,
)

const commit = statement<{ storage_key: StorageKey }>(
  'upload-commit',
  `WITH p AS (SELECT id FROM project WHERE id = $1 AND state = 'open' FOR KEY SHARE),
   u AS (DELETE FROM upload USING p WHERE upload.id = $2 AND upload.generation = $3 RETURNING upload.repository_id),
   b AS (
     INSERT INTO blob (digest, size, storage_key) SELECT $4, $5::bigint, $6 FROM u
     ON CONFLICT (digest) DO UPDATE SET touched_at = now(), condemned_at = NULL WHERE blob.corrupt_at IS NULL
     RETURNING id, storage_key
   ),
   l AS (
     INSERT INTO repository_blob (repository_id, blob_id) SELECT u.repository_id, b.id FROM u, b
     ON CONFLICT DO NOTHING
   ),
   t AS (
     INSERT INTO trash (storage_key, size) SELECT $6, $5::bigint FROM u WHERE $6 <> ALL (SELECT storage_key FROM b)
     UNION ALL SELECT s, 0 FROM u, unnest($7::text[]) AS s ON CONFLICT DO NOTHING
   )
   SELECT storage_key FROM b`,
)

const heal = statement<{ storage_key: StorageKey }>(
  'upload-heal',
  `WITH p AS (SELECT id FROM project WHERE id = $1 AND state = 'open' FOR KEY SHARE),
   k AS (
     SELECT b.id, b.storage_key, b.size FROM blob b, p WHERE b.digest = $4 AND b.corrupt_at IS NOT NULL FOR UPDATE OF b
   ),
   u AS (DELETE FROM upload USING k WHERE upload.id = $2 AND upload.generation = $3 RETURNING upload.repository_id),
   b AS (
     UPDATE blob SET storage_key = $6, size = $5, touched_at = now(), condemned_at = NULL, corrupt_at = NULL,
       verified_at = now()
     FROM k, u WHERE blob.id = k.id
     RETURNING blob.id, blob.storage_key
   ),
   l AS (
     INSERT INTO repository_blob (repository_id, blob_id) SELECT u.repository_id, b.id FROM u, b
     ON CONFLICT DO NOTHING
   ),
   t AS (
     INSERT INTO trash (storage_key, size) SELECT k.storage_key, k.size FROM k, b
     UNION ALL SELECT s, 0 FROM b, unnest($7::text[]) AS s ON CONFLICT DO NOTHING
   )
   SELECT storage_key FROM b`,
)

const forget = statement<{ id: string }>(
  'upload-forget',
  `WITH u AS (DELETE FROM upload WHERE id = $1 AND generation = $2 RETURNING id),
   t AS (INSERT INTO trash (storage_key, size) SELECT s, 0 FROM u, unnest($3::text[]) AS s ON CONFLICT DO NOTHING)
   SELECT id FROM u`,
)

const takeExpired = statement<ExpiredRow>(
  'upload-take-expired',
  `UPDATE upload SET generation = generation + 1, lease_until = now() + interval '60 s', holder = 'sweep'
   WHERE id IN (
     SELECT id FROM upload WHERE expires_at < now() AND (lease_until IS NULL OR lease_until <= now())
     ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
   )
   RETURNING id, generation, path, offset_bytes, storage_state, sealed_key`,
)

const exists = statement<{ found: boolean }>(
  'upload-exists',
  'SELECT EXISTS (SELECT 1 FROM upload WHERE id = $1) AS found',
)

const isLive = statement<{ found: boolean }>(
  'blob-key-is-live',
  'SELECT EXISTS (SELECT 1 FROM blob WHERE storage_key = $1) AS found',
)

/** One writer's hold on a session, as the row has it. */
export interface Hold {
  readonly id: SessionId
  readonly generation: number
  /** How far it has come by now. */
  readonly upload: StoredUpload
}

/** How a session ends: its bytes become this blob. */
interface Ending {
  projectId: number
  digest: Digest
  /** Keys its upload has made on the way, for the trash. */
  spent: readonly StorageKey[]
}

interface Sealed {
  blobExists: boolean
  /** Its bytes are not what they were: new ones are wanted. */
  isCorrupt: boolean
}

export interface UploadStore {
  /** Opens a session, held for `leaseMs`; 0 leaves it to whoever comes first. */
  start(
    address: SessionAddress,
    upload: { algorithm: SupportedAlgorithm; path: UploadPath; leaseMs: number; expected: Expected },
  ): Promise<StartedRow | undefined>
  /** `expected` beside what it holds already; absent: to end the session. */
  acquire(
    address: SessionAddress,
    leaseMs: number,
    offset: number | undefined,
    expected?: Expected,
  ): Promise<AcquiredRow | undefined>
  status(address: SessionAddress): Promise<StatusRow | undefined>
  /**
   * Records how far a hold has come and prolongs it; 0 ms gives it back, with the digest of the bytes so far. False when
   * it is no longer ours.
   */
  keep(hold: Hold, leaseMs: number, digest?: Digest): Promise<boolean>
  /** Says where the bytes go before they go there. `undefined` when the hold is no longer ours. */
  seal(hold: Hold, key: StorageKey, digest: Digest, leaseMs: number): Promise<Sealed | undefined>
  /** Ends a session whose bytes are stored already. False when they are not, or the hold is no longer ours. */
  adopt(hold: Hold, ending: Ending): Promise<boolean>
  /** Ends a session and makes its bytes a blob; answers the key the blob has, ours or an older one. */
  commit(hold: Hold, ending: Ending, key: StorageKey): Promise<StorageKey | undefined>
  /** As {@link commit}, for a blob that is corrupt: it gets these bytes. `undefined` when it is no longer corrupt. */
  heal(hold: Hold, ending: Ending, key: StorageKey): Promise<StorageKey | undefined>
  /** Ends a session that became no blob. False when the hold is no longer ours, and with it what it left. */
  forget(hold: Pick<Hold, 'id' | 'generation'>, spent: readonly StorageKey[]): Promise<boolean>
  /** Takes hold of sessions past their time. */
  takeExpired(limit: number): Promise<ExpiredRow[]>
  isLive(key: StorageKey): Promise<boolean>
  /** Whether there is such a session, over time or not. */
  exists(id: string): Promise<boolean>
}

export function uploadStore(database: Database, options: { holder: string; ttlMs: number }): UploadStore {
  const { holder, ttlMs } = options
  return {
    start: ({ id, name, grant, subject }, { algorithm, path, leaseMs, expected }) =>
      database.find(start, [
        projectOf(name),
        name,
        id,
        subject,
        algorithm,
        path,
        holder,
        leaseMs === 0 ? null : leaseMs,
        ttlMs,
        grant.project,
        grant.rev,
        expected.digest ?? null,
        expected.bytes,
      ]),
    acquire: ({ id, name, grant, subject }, leaseMs, offset, expected) =>
      database.find(acquire, [
        projectOf(name),
        name,
        id,
        subject,
        holder,
        leaseMs,
        ttlMs,
        grant.project,
        grant.rev,
        offset ?? null,
        expected?.bytes ?? null,
        expected?.digest ?? null,
      ]),
    status: ({ id, name }) => database.find(status, [projectOf(name), name, id]),
    keep: async ({ id, generation, upload: { offset, path, state } }, leaseMs, digest) => {
      const lease = leaseMs === 0 ? null : leaseMs
      const values = [id, generation, offset, path, lease, ttlMs, state, digest ?? null]
      return (await database.find(keep, values)) !== undefined
    },
    seal: async ({ id, generation, upload: { offset, path, state } }, key, digest, leaseMs) => {
      const row = await database.find(seal, [id, generation, offset, path, leaseMs, key, digest, state])
      return row && { blobExists: row.blob_id !== null, isCorrupt: row.corrupt === true }
    },
    adopt: async ({ id, generation, upload }, { projectId, digest, spent }) =>
      (await database.find(adopt, [projectId, id, generation, digest, upload.offset, spent])) !== undefined,
    commit: async ({ id, generation, upload }, { projectId, digest, spent }, key) =>
      (await database.find(commit, [projectId, id, generation, digest, upload.offset, key, spent]))?.storage_key,
    heal: async ({ id, generation, upload }, { projectId, digest, spent }, key) =>
      (await database.find(heal, [projectId, id, generation, digest, upload.offset, key, spent]))?.storage_key,
    forget: async ({ id, generation }, spent) => (await database.find(forget, [id, generation, spent])) !== undefined,
    takeExpired: (limit) => database.run(takeExpired, [limit]),
    exists: async (id) => (await database.find(exists, [id]))?.found ?? true,
    isLive: async (key) => (await database.find(isLive, [key]))?.found ?? true,
  }
}
