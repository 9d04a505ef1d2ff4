import { type Database, statement } from '@berth/db'
import { projectOf, type RepositoryName } from '@berth/oci'
import { PROJECT_FACTS, type ProjectFacts } from '../project/index.ts'

interface TagNamesRow extends ProjectFacts {
  repository_id: number | null
  listed: boolean | null
  names: string[] | null
}

interface TagRow {
  name: string
  digest: string
  media_type: string
  size: number
  pushed_at: Date
}

const listNames = statement<TagNamesRow>(
  'tag-list-names',
  `SELECT ${PROJECT_FACTS}, r.id AS repository_id, r.listed, t.names
   FROM project p
   LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2
   LEFT JOIN LATERAL (
     SELECT array_agg(page.name) AS names
     FROM (SELECT name FROM tag WHERE repository_id = r.id AND name > $3 ORDER BY name LIMIT $4) page
   ) t ON true
   WHERE p.name = $1 AND p.state <> 'deleted'`,
)

const list = statement<TagRow>(
  'tag-list',
  `SELECT t.name, m.digest, m.media_type, m.size, t.pushed_at
   FROM tag t JOIN manifest m ON m.id = t.manifest_id
   WHERE t.repository_id = $1 AND t.name > $2 ORDER BY t.name LIMIT $3`,
)

export interface TagStore {
  /** Names of a repository after `last` in byte order, at most `limit`. */
  listNames(name: RepositoryName, last: string, limit: number): Promise<TagNamesRow | undefined>
  list(repositoryId: number, last: string, limit: number): Promise<TagRow[]>
}

export function tagStore(database: Database): TagStore {
  return {
    listNames: (name, last, limit) => database.find(listNames, [projectOf(name), name, last, limit]),
    list: (repositoryId, last, limit) => database.run(list, [repositoryId, last, limit]),
  }
}
