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

export interface RepositoryStore {
  findProject(project: string): Promise<ProjectFacts | undefined>
  find(project: string, name: string): Promise<(ProjectFacts & { repository_id: number }) | undefined>
  /** Names after `last` in byte order. */
  list(projectId: number, last: string, limit: number): Promise<string[]>
}

export function repositoryStore(database: Database): RepositoryStore {
  return {
    findProject: (project) => database.find(findProject, [project]),
    find: (project, name) => database.find(findRepository, [project, name]),
    list: async (projectId, last, limit) => (await database.run(list, [projectId, last, limit])).map((row) => row.name),
  }
}
