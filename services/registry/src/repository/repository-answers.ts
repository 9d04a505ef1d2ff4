import { BadRequest, NotFound } from '@berth/errors'
import { type Answer, answer, type Caller } from '@berth/messaging'
import { findRepositoryName, projectOf } from '@berth/oci'
import { artifactList, type ResponseOf, repositoryList, tagList } from '@berth/types'
import type { ProjectFacts } from '../project/index.ts'
import type { TagStore } from '../tag/index.ts'
import type { ArtifactRow, RepositoryStore } from './repository-store.ts'

/**
 * `svc.registry.v1.repository.list`, `.tag.list` and `.artifact.list`, on behalf of a person. What they may not see is
 * not there for them.
 */
export function repositoryAnswers(repositories: RepositoryStore, tags: TagStore): Answer[] {
  async function visible(repository: string, caller: Caller): Promise<{ repository_id: number }> {
    const name = findRepositoryName(repository)
    const found = name?.includes('/') ? await repositories.find(projectOf(name), name) : undefined
    if (found !== undefined && maySee(caller, found, name)) return found
    throw new NotFound(`repository ${repository} not found`)
  }

  return [
    answer(repositoryList, async ({ project, last, limit }, caller) => {
      const facts = findRepositoryName(project) && (await repositories.findProject(project))
      if (facts === undefined || !maySee(caller, facts)) throw new NotFound(`project ${project} not found`)
      const names = await repositories.list(facts.project_id, startOf(last), limit + 1)
      return { repositories: names.slice(0, limit).map((name) => ({ name })), ...nextOf(names, limit) }
    }),
    answer(tagList, async ({ repository, last, limit }, caller) => {
      const found = await visible(repository, caller)
      const rows = await tags.list(found.repository_id, startOf(last), limit + 1)
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
    answer(artifactList, async ({ repository, last, limit }, caller) => {
      const found = await visible(repository, caller)
      const rows = await repositories.listArtifacts(found.repository_id, startOf(last), limit + 1)
      const digests = rows.map((row) => row.digest)
      return { repository, artifacts: rows.slice(0, limit).map(toArtifact), ...nextOf(digests, limit) }
    }),
  ]
}

function toArtifact(row: ArtifactRow): ResponseOf<typeof artifactList>['artifacts'][number] {
  return {
    digest: row.digest,
    mediaType: row.media_type,
    artifactType: row.artifact_type ?? undefined,
    subject: row.subject_digest ?? undefined,
    sizeBytes: row.size,
    pushedAt: row.pushed_at.toISOString(),
    tags: row.tags,
    tagCount: row.tag_count,
  }
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

/** Postgres takes no text with a NUL in it. */
function startOf(last: string | undefined): string {
  if (last?.includes('\0')) throw new BadRequest('last is not valid')
  return last ?? ''
}

function nextOf(names: readonly string[], limit: number): { next?: string } {
  return names.length > limit ? { next: names[limit - 1] } : {}
}
