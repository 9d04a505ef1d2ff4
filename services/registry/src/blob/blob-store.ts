import { type Database, lookup, statement } from '@berth/db'
import { type Digest, projectOf, type RepositoryName } from '@berth/oci'
import { CHANGE_FACTS, type ChangeFacts, PROJECT_FACTS, type ProjectFacts } from '../project/index.ts'
import type { StorageKey } from '../storage/index.ts'

export interface BlobRow extends ProjectFacts {
  repository_id: number | null
  blob_id: number | null
  size: number
  storage_key: StorageKey
  /** Condemned, or not touched for a while: a pusher who is told that it is here must be able to count on it. */
  stale: boolean
  /** Its bytes are gone or others. */
  corrupt: boolean
  /** The project wants its blobs sent by us, not by the storage. */
  stream: boolean
}

interface MountRow extends ChangeFacts {
  repository_id: number | null
  blob_id: number | null
  /** Bytes of the blob, when it is there to be mounted and does not fit into the quota. */
  too_large: number | null
}

const MAX_STALE_MS = 600_000

const find = statement<BlobRow>(
  'blob-find',
  `SELECT ${PROJECT_FACTS}, r.id AS repository_id, b.id AS blob_id, b.size, b.storage_key,
     (b.condemned_at IS NOT NULL OR b.touched_at < now() - $4 * interval '1 ms') AS stale,
     b.corrupt_at IS NOT NULL AS corrupt, coalesce((p.policy ->> 'streamBlobs')::boolean, false) AS stream
   FROM project p
   LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2
   LEFT JOIN (repository_blob rb JOIN blob b ON b.id = rb.blob_id AND b.digest = $3) ON rb.repository_id = r.id
   WHERE p.name = $1 AND p.state <> 'deleted'`,
)

const touch = statement<{ id: number }>(
  'blob-touch',
  'UPDATE blob SET touched_at = now(), condemned_at = NULL WHERE id = $1 RETURNING id',
)

const mount = statement<MountRow>(
  'blob-mount',
  `WITH t AS (
     SELECT ${CHANGE_FACTS}, r.id AS repository_id
     FROM project p LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2
     WHERE p.name = $1 AND p.state <> 'deleted' FOR KEY SHARE OF p
   ),
   f AS (
     SELECT b.id, b.size
     FROM project p
     JOIN repository r ON r.project_id = p.id AND r.name = $7
     JOIN repository_blob rb ON rb.repository_id = r.id
     JOIN blob b ON b.id = rb.blob_id AND b.digest = $5 AND b.corrupt_at IS NULL
     WHERE p.name = $6 AND p.state IN ('open', 'deleting') AND p.id = $8 AND p.access_revision <= $9
   ),
   fits AS (
     SELECT f.id FROM f, t
     WHERE t.quota_limit < 0 OR t.used + f.size <= t.quota_limit
       OR EXISTS (SELECT 1 FROM project_blob pb WHERE pb.project_id = t.project_id AND pb.blob_id = f.id)
   ),
   b AS (
     UPDATE blob SET touched_at = now(), condemned_at = NULL FROM fits, t
     WHERE blob.id = fits.id AND NOT t.read_only AND t.repository_id IS NOT NULL AND t.state = 'open' AND t.kind = 'local'
       AND t.project_id = $3 AND t.access_revision <= $4
     RETURNING blob.id
   ),
   l AS (
     INSERT INTO repository_blob (repository_id, blob_id) SELECT t.repository_id, b.id FROM t, b
     ON CONFLICT DO NOTHING
   )
   SELECT t.*, (SELECT id FROM b) AS blob_id,
     (SELECT size FROM f WHERE NOT EXISTS (SELECT 1 FROM fits)) AS too_large
   FROM t`,
)

const lockProject = statement<ChangeFacts & { repository_id: number | null }>(
  'blob-delete-project',
  `SELECT ${CHANGE_FACTS}, r.id AS repository_id
   FROM project p LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2
   WHERE p.name = $1 AND p.state <> 'deleted' FOR KEY SHARE OF p`,
)

const lockLink = statement<{ blob_id: number }>(
  'blob-delete-link-lock',
  `SELECT rb.blob_id FROM repository_blob rb JOIN blob b ON b.id = rb.blob_id
   WHERE rb.repository_id = $1 AND b.digest = $2 FOR UPDATE OF rb`,
)

const unlink = statement<{ blob_id: number }>(
  'blob-delete-link',
  `DELETE FROM repository_blob rb
   WHERE rb.repository_id = $1 AND rb.blob_id = $2 AND NOT EXISTS (
     SELECT 1 FROM manifest_blob mb JOIN manifest m ON m.id = mb.manifest_id
     WHERE mb.blob_id = rb.blob_id AND m.repository_id = rb.repository_id
   )
   RETURNING rb.blob_id`,
)

/** Whose blob is mounted; `null` when the caller may not see it, which takes the same time. */
interface MountSource {
  name: RepositoryName
  grant: { project: number; rev: number } | undefined
}

export interface BlobStore {
  find(name: RepositoryName, digest: Digest): Promise<BlobRow | undefined>
  /** Keeps a blob from being collected; false when it is gone already. */
  touch(blobId: number): Promise<boolean>
  mount(
    target: { name: RepositoryName; grant: { project: number; rev: number } },
    digest: Digest,
    from: MountSource,
  ): Promise<MountRow | undefined>
  /**
   * Takes a blob out of a repository.
   *
   * @param admit judges the project before anything is done
   */
  unlink(
    name: RepositoryName,
    digest: Digest,
    admit: (facts: ChangeFacts | undefined) => void,
  ): Promise<'gone' | 'referenced' | 'unknown'>
}

/** @param windowMs how long garbage collection spares a blob after it was touched */
export function blobStore(database: Database, windowMs: number): BlobStore {
  const staleMs = Math.min(MAX_STALE_MS, windowMs / 4)
  const findOne = lookup(database, find, ['text', 'text', 'text', 'float8'])
  return {
    find: (name, digest) => findOne([projectOf(name), name, digest, staleMs]),
    touch: async (blobId) => (await database.find(touch, [blobId])) !== undefined,
    mount: (target, digest, from) =>
      database.find(mount, [
        projectOf(target.name),
        target.name,
        target.grant.project,
        target.grant.rev,
        digest,
        projectOf(from.name),
        from.name,
        from.grant?.project ?? 0,
        from.grant?.rev ?? -1,
      ]),
    unlink: (name, digest, admit) =>
      database.transaction(async (tx) => {
        const project = await tx.find(lockProject, [projectOf(name), name])
        admit(project)
        if (project?.repository_id == null) return 'unknown'
        const link = await tx.find(lockLink, [project.repository_id, digest])
        if (link === undefined) return 'unknown'
        const gone = await tx.find(unlink, [project.repository_id, link.blob_id])
        return gone === undefined ? 'referenced' : 'gone'
      }),
  }
}
