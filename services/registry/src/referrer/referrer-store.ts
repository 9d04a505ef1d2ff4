import { type Database, statement } from '@berth/db'
import { type Digest, MEDIA_TYPE, projectOf, type RepositoryName } from '@berth/oci'
import { fallbackTagOf } from '../artifact/index.ts'
import { PROJECT_FACTS, type ProjectFacts } from '../project/index.ts'

export interface Referrer {
  id: number
  media_type: string
  digest: string
  size: number
  artifact_type: string | null
  annotations: Record<string, string> | null
}

type Row = ProjectFacts & { found: number | null } & (Referrer | { id: null })

const COLUMNS = 'm.id, m.media_type, m.digest, m.size, m.artifact_type, m.annotations'
const OF_PAGE = `m.id > $4 AND ($5::text IS NULL OR m.artifact_type = $5) ORDER BY m.id LIMIT $6`

// What is copied from a manifest is never longer than the manifest, so its size says how much a page may hold.
const list = statement<Row>(
  'referrer-list',
  `SELECT ${PROJECT_FACTS}, page.*
   FROM project p
   LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2
   LEFT JOIN LATERAL (
     SELECT * FROM (
       SELECT both_ways.*, count(*) OVER () AS found, sum(size) OVER (ORDER BY id) - size AS before FROM (
         (SELECT ${COLUMNS} FROM manifest m
          WHERE m.repository_id = r.id AND m.subject_digest = $3 AND ${OF_PAGE})
         UNION ALL
         (SELECT ${COLUMNS} FROM tag t
          JOIN manifest i ON i.id = t.manifest_id AND i.media_type = '${MEDIA_TYPE.ociIndex}'
          JOIN manifest_child c ON c.parent_id = i.id
          JOIN manifest m ON m.id = c.child_id AND m.subject_digest IS DISTINCT FROM $3
          WHERE t.repository_id = r.id AND t.name = $7 AND ${OF_PAGE})
         ORDER BY id LIMIT $6
       ) both_ways
     ) counted WHERE before < $8
   ) page ON true
   WHERE p.name = $1 AND p.state <> 'deleted'
   ORDER BY page.id`,
)

interface ReferrerPage {
  facts: ProjectFacts
  referrers: Referrer[]
  hasMore: boolean
}

export interface ReferrerStore {
  /**
   * A page of what names `subject` as its subject, and of what the index under its fallback tag lists beside: clients
   * that found no referrers API have left it there. By the order in which they were pushed first; `undefined` when
   * there is no such project.
   *
   * @param page at most `limit` and, but for the first one, so many bytes of manifests
   * @see distribution-spec, "Referrers Tag Schema"
   */
  list(
    name: RepositoryName,
    subject: Digest,
    page: { after: number; artifactType?: string; limit: number; bytes: number },
  ): Promise<ReferrerPage | undefined>
}

export function referrerStore(database: Database): ReferrerStore {
  return {
    async list(name, subject, { after, artifactType, limit, bytes }) {
      const rows = await database.run(list, [
        projectOf(name),
        name,
        subject,
        after,
        artifactType ?? null,
        limit + 1,
        fallbackTagOf(subject),
        bytes,
      ])
      const [facts] = rows
      if (facts === undefined) return undefined
      const referrers = rows.filter((row) => row.id !== null).slice(0, limit)
      return { facts, referrers, hasMore: (facts.found ?? 0) > referrers.length }
    },
  }
}
