import { type Database, statement } from '@berth/db'
import { PROJECT_FACTS, type ProjectFacts } from '../project/index.ts'

const findProject = statement<ProjectFacts>(
  'repository-project',
  `SELECT ${PROJECT_FACTS} FROM project p WHERE p.name = $1 AND p.state <> 'deleted'`,
)
const findRepository = statement<ProjectFacts & { repository_id: number }>(
  'repository-find',
  `SELECT ${PROJECT_FACTS}, r.id AS repository_id
   FROM project p JOIN repository r ON r.project_id = p.id AND r.name = $2 AND r.listed
   WHERE p.name = $1 AND p.state <> 'deleted'`,
)
const list = statement<{ name: string }>(
  'repository-list',
  `SELECT name FROM repository WHERE project_id = $1 AND listed AND name > $2 ORDER BY name LIMIT $3`,
)

const listArtifacts = statement<ArtifactRow>(
  'repository-artifacts',
  `SELECT m.digest, m.media_type, left(m.artifact_type, 255) AS artifact_type, m.subject_digest, m.size, m.pushed_at,
     (SELECT count(*) FROM tag WHERE manifest_id = m.id) AS tag_count,
     ARRAY(SELECT name FROM tag WHERE manifest_id = m.id ORDER BY name LIMIT 20) AS tags
   FROM manifest m WHERE m.repository_id = $1 AND m.digest > $2 ORDER BY m.digest LIMIT $3`,
)

export interface ArtifactRow {
  digest: string
  media_type: string
  artifact_type: string | null
  subject_digest: string | null
  size: number
  pushed_at: Date
  tags: string[]
  tag_count: number
}

export interface RepositoryStore {
  findProject(project: string): Promise<ProjectFacts | undefined>
  find(project: string, name: string): Promise<(ProjectFacts & { repository_id: number }) | undefined>
  /** Names after `last` in byte order. */
  list(projectId: number, last: string, limit: number): Promise<string[]>
  /** Digests after `last` in byte order. */
  listArtifacts(repositoryId: number, last: string, limit: number): Promise<ArtifactRow[]>
}

export function repositoryStore(database: Database): RepositoryStore {
  return {
    findProject: (project) => database.find(findProject, [project]),
    find: (project, name) => database.find(findRepository, [project, name]),
    list: async (projectId, last, limit) => (await database.run(list, [projectId, last, limit])).map((row) => row.name),
    listArtifacts: (repositoryId, last, limit) => database.run(listArtifacts, [repositoryId, last, limit]),
  }
}
