import { NotFound } from '@berth/errors'
import { type Answer, answer, type Caller } from '@berth/messaging'
import { findRepositoryName, projectOf } from '@berth/oci'
import { repositoryList, tagList } from '@berth/types'
import type { ProjectFacts } from '../project/index.ts'
import type { TagStore } from '../tag/index.ts'
import type { RepositoryStore } from './repository-store.ts'

/**
 * `svc.registry.v1.repository.list` and `.tag.list`, on behalf of a person. What they may not see is not there for
 * them.
 */
export function repositoryAnswers(repositories: RepositoryStore, tags: TagStore): Answer[] {
  return [
    answer(repositoryList, async ({ project, last, limit }, caller) => {
      const facts = await repositories.findProject(project)
      if (facts === undefined || !maySee(caller, facts)) throw new NotFound(`project ${project} not found`)
      const names = await repositories.list(facts.project_id, last ?? '', limit + 1)
      return { repositories: names.slice(0, limit).map((name) => ({ name })), ...nextOf(names, limit) }
    }),
    answer(tagList, async ({ repository, last, limit }, caller) => {
      const name = findRepositoryName(repository)
      const found = name?.includes('/') ? await repositories.find(projectOf(name), name) : undefined
      if (found === undefined || !maySee(caller, found, name)) {
        throw new NotFound(`repository ${repository} not found`)
      }
      const rows = await tags.list(found.repository_id, last ?? '', limit + 1)
      const names = rows.map((row) => row.name)
      return {
        repository,
        tags: rows.slice(0, limit).map((row) => ({
          name: row.name,
          digest: row.digest,
          mediaType: row.media_type,
          sizeBytes: row.size,
          pushedAt: row.pushed_at.toISOString(),
        })),
        ...nextOf(names, limit),
      }
    }),
  ]
}

/** By `pull` on the repository, or on any of the project where none is named, granted no longer ago than it holds. */
function maySee(caller: Caller, facts: ProjectFacts, name?: string): boolean {
  if (caller.admin === true) return true
  return caller.access.some(
    (entry) =>
      entry.type === 'repository' &&
      entry.actions.includes('pull') &&
      entry.project === facts.project_id &&
      (entry.rev ?? -1) >= facts.access_revision &&
      (name === undefined || entry.name === name),
  )
}

function nextOf(names: readonly string[], limit: number): { next?: string } {
  return names.length > limit ? { next: names[limit - 1] } : {}
}
