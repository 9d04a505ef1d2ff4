import { lookup, type Queries, statement } from '@berth/db'
import {
  algorithmOf,
  type Digest,
  digestOf,
  projectOf,
  type Reference,
  type RepositoryName,
  type SupportedAlgorithm,
} from '@berth/oci'
import { LRUCache } from 'lru-cache'
import { PULL_FACTS, type PullFacts } from '../policy/index.ts'
import { PROJECT_FACTS, type ProjectFacts } from '../project/index.ts'

const CACHED_BYTES = 64 * 1024 * 1024
const REMEMBERED_PROJECTS = 10_000

interface ManifestRow extends ProjectFacts {
  repository_id: number | null
  manifest_id: number | null
  digest: string
  media_type: string
  size: number
  /** Its bytes, or those of a blob it names, are not what they were. */
  corrupt: boolean
  /** The project demands something of what is pulled. */
  judges_pulls: boolean
}

type JudgedRow = ManifestRow & PullFacts

const CORRUPT = `(EXISTS (
     SELECT 1 FROM blob b JOIN manifest_blob mb ON mb.blob_id = b.id
     WHERE b.corrupt_at IS NOT NULL AND mb.manifest_id = m.id
   ) OR EXISTS (SELECT 1 FROM manifest_content c WHERE c.corrupt_at IS NOT NULL AND c.digest = m.digest))`

const FOUND = `${PROJECT_FACTS}, r.id AS repository_id, m.id AS manifest_id, m.digest, m.media_type, m.size,
   ${CORRUPT} AS corrupt, p.judges_pulls`

const BY_TAG = `FROM project p
   LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2
   LEFT JOIN tag t ON t.repository_id = r.id AND t.name = $3
   LEFT JOIN manifest m ON m.id = t.manifest_id
   WHERE p.name = $1 AND p.state <> 'deleted'`

const BY_DIGEST = `FROM project p
   LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2
   LEFT JOIN manifest m ON m.repository_id = r.id AND m.digest = $3
   WHERE p.name = $1 AND p.state <> 'deleted'`

// Most projects demand nothing of pulls; their statement does not carry what would find it out.
const free = {
  tag: statement<ManifestRow>('manifest-by-tag', `SELECT ${FOUND} ${BY_TAG}`),
  digest: statement<ManifestRow>('manifest-by-digest', `SELECT ${FOUND} ${BY_DIGEST}`),
}
const judged = {
  tag: statement<JudgedRow>('manifest-by-tag-judged', `SELECT ${FOUND}, ${PULL_FACTS} ${BY_TAG}`),
  digest: statement<JudgedRow>('manifest-by-digest-judged', `SELECT ${FOUND}, ${PULL_FACTS} ${BY_DIGEST}`),
}

const readContent = statement<{ bytes: Buffer }>(
  'manifest-content',
  'SELECT bytes FROM manifest_content WHERE digest = $1',
)

/** `pull` is absent where nothing is demanded. */
type FoundManifest = ManifestRow & { pull?: PullFacts }

export interface ManifestStore {
  /**
   * What a reference names at this moment, and how it stands to what its project demands of pulls; asked of Postgres
   * every time, with one statement.
   */
  find(name: RepositoryName, reference: Reference): Promise<FoundManifest | undefined>
  /** The bytes of a digest that {@link find} has just named; kept in memory, bounded, for they never change. */
  readContent(digest: string): Promise<Buffer | undefined>
}

function isOf(bytes: Uint8Array, digest: string): boolean {
  return digestOf(bytes, algorithmOf(digest as Digest) as SupportedAlgorithm) === digest
}

export function manifestStore(database: Queries): ManifestStore {
  const contents = new LRUCache<string, Buffer>({ maxSize: CACHED_BYTES, sizeCalculation: (bytes) => bytes.length + 1 })
  const names = ['text', 'text', 'text']
  const findFree = { tag: lookup(database, free.tag, names), digest: lookup(database, free.digest, names) }
  const findJudged = { tag: lookup(database, judged.tag, names), digest: lookup(database, judged.digest, names) }
  // Only which statement to try first: a row of the free one that says otherwise is not used.
  const judging = new LRUCache<string, true>({ max: REMEMBERED_PROJECTS })
  return {
    async find(name, reference) {
      const project = projectOf(name)
      const values = [project, name, reference.kind === 'tag' ? reference.tag : reference.digest]
      if (!judging.has(project)) {
        const row = await findFree[reference.kind](values)
        if (row?.judges_pulls !== true) return row
        judging.set(project, true)
      }
      const row = await findJudged[reference.kind](values)
      if (row?.judges_pulls !== true) judging.delete(project)
      return row && { ...row, pull: row }
    },
    async readContent(digest) {
      const known = contents.get(digest)
      if (known !== undefined) return known
      const row = await database.find(readContent, [digest])
      if (row === undefined) return undefined
      // Once for each time they are taken into memory, where they stay right.
      if (!isOf(row.bytes, digest)) throw new Error('the bytes of a manifest are corrupt')
      contents.set(digest, row.bytes)
      return row.bytes
    },
  }
}
