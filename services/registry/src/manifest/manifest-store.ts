import { type Database, statement } from '@berth/db'
import { projectOf, type Reference, type RepositoryName } from '@berth/oci'
import { LRUCache } from 'lru-cache'
import { PROJECT_FACTS, type ProjectFacts } from '../project/index.ts'

const CACHED_BYTES = 64 * 1024 * 1024

interface ManifestRow extends ProjectFacts {
  repository_id: number | null
  manifest_id: number | null
  digest: string
  media_type: string
  size: number
  /** Its bytes, or those of a blob it names, are not what they were. */
  corrupt: boolean
}

const CORRUPT = `(EXISTS (
     SELECT 1 FROM blob b JOIN manifest_blob mb ON mb.blob_id = b.id
     WHERE b.corrupt_at IS NOT NULL AND mb.manifest_id = m.id
   ) OR EXISTS (SELECT 1 FROM manifest_content c WHERE c.corrupt_at IS NOT NULL AND c.digest = m.digest))`

const FOUND = `${PROJECT_FACTS}, r.id AS repository_id, m.id AS manifest_id, m.digest, m.media_type, m.size,
   ${CORRUPT} AS corrupt`

const findByTag = statement<ManifestRow>(
  'manifest-by-tag',
  `SELECT ${FOUND}
   FROM project p
   LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2
   LEFT JOIN tag t ON t.repository_id = r.id AND t.name = $3
   LEFT JOIN manifest m ON m.id = t.manifest_id
   WHERE p.name = $1 AND p.state <> 'deleted'`,
)

const findByDigest = statement<ManifestRow>(
  'manifest-by-digest',
  `SELECT ${FOUND}
   FROM project p
   LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2
   LEFT JOIN manifest m ON m.repository_id = r.id AND m.digest = $3
   WHERE p.name = $1 AND p.state <> 'deleted'`,
)

const readContent = statement<{ bytes: Buffer }>(
  'manifest-content',
  'SELECT bytes FROM manifest_content WHERE digest = $1',
)

export interface ManifestStore {
  /** What a reference names at this moment; asked of Postgres every time. */
  find(name: RepositoryName, reference: Reference): Promise<ManifestRow | undefined>
  /** The bytes of a digest that {@link find} has just named; kept in memory, bounded, for they never change. */
  readContent(digest: string): Promise<Buffer | undefined>
}

export function manifestStore(database: Database): ManifestStore {
  const contents = new LRUCache<string, Buffer>({ maxSize: CACHED_BYTES, sizeCalculation: (bytes) => bytes.length + 1 })
  return {
    find: (name, reference) =>
      reference.kind === 'tag'
        ? database.find(findByTag, [projectOf(name), name, reference.tag])
        : database.find(findByDigest, [projectOf(name), name, reference.digest]),
    async readContent(digest) {
      const known = contents.get(digest)
      if (known !== undefined) return known
      const row = await database.find(readContent, [digest])
      if (row === undefined) return undefined
      contents.set(digest, row.bytes)
      return row.bytes
    },
  }
}
