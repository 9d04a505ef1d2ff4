import { type Database, statement } from '@berth/db'
import { type Digest, projectOf, type RepositoryName } from '@berth/oci'
import { PROJECT_FACTS, type ProjectFacts } from '../project/index.ts'

export interface Referrer {
  id: number
  media_type: string
  digest: string
  size: number
  artifact_type: string | null
  annotations: Record<string, string> | null
}

const findRepository = statement<ProjectFacts & { repository_id: number | null }>(
  'referrer-repository',
  `SELECT ${PROJECT_FACTS}, r.id AS repository_id
   FROM project p LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2
   WHERE p.name = $1 AND p.state <> 'deleted'`,
)
const list = statement<Referrer>(
  'referrer-list',
  `SELECT id, media_type, digest, size, artifact_type, annotations FROM manifest
   WHERE repository_id = $1 AND subject_digest = $2 AND id > $3 AND ($4::text IS NULL OR artifact_type = $4)
   ORDER BY id LIMIT $5`,
)

export interface ReferrerStore {
  findRepository(name: RepositoryName): Promise<(ProjectFacts & { repository_id: number | null }) | undefined>
  /** In the order they were pushed first. */
  list(
    repositoryId: number,
    subject: Digest,
    page: { after: number; artifactType?: string; limit: number },
  ): Promise<Referrer[]>
}

export function referrerStore(database: Database): ReferrerStore {
  return {
    findRepository: (name) => database.find(findRepository, [projectOf(name), name]),
    list: (repositoryId, subject, { after, artifactType, limit }) =>
      database.run(list, [repositoryId, subject, after, artifactType ?? null, limit]),
  }
}
