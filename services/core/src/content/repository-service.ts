import type { Database, Page } from '@berth/db'
import type { Bus } from '@berth/messaging'
import { type RepositoryFacts, repositoryDelete, repositoryGet, repositorySearch, repositoryUpdate } from '@berth/types'
import type { AuditTrail } from '../audit/index.ts'
import { actorOf, type Caller } from '../caller/caller.ts'
import type { ProjectDoor } from '../project/index.ts'
import type { RepositoryPath } from './content-path.ts'
import { hasCode, type Judge, untilDone } from './judge.ts'
import { askPage, type Listed, type ListWords, type Part } from './list-pages.ts'
import { visibleProjects } from './visible.ts'

/** The use cases of repositories; each decides whether its caller may, and the registry does it. */
export interface Repositories {
  /** Of every project in which the caller may list them. */
  listAll(caller: Caller, words: ListWords, page: Page): Promise<Listed<RepositoryFacts>>
  list(caller: Caller, project: string, words: ListWords, page: Page): Promise<Listed<RepositoryFacts>>
  get(caller: Caller, path: RepositoryPath): Promise<RepositoryFacts>
  describe(caller: Caller, path: RepositoryPath, description: string): Promise<void>
  /** With everything in it. @throws {PreconditionFailed} one of its tags is immutable; nothing is deleted */
  delete(caller: Caller, path: RepositoryPath): Promise<void>
}

export function createRepositories(deps: {
  database: Database
  bus: Pick<Bus, 'ask'>
  door: ProjectDoor
  judge: Judge
  audit: AuditTrail
}): Repositories {
  const { database, bus, door, judge, audit } = deps

  const search = (projects: Awaited<ReturnType<typeof visibleProjects>>, words: ListWords, page: Page) =>
    askPage(
      page,
      ({ id }: RepositoryFacts) => id,
      async ({ page: number, pageSize }: Part) => {
        const asked = { projects, ...words, page: number, pageSize }
        const { repositories: rows, total } = await bus.ask(repositorySearch, asked)
        return { rows, total }
      },
    )

  return {
    async listAll(caller, words, page) {
      return search(await visibleProjects(database, caller, ['repository', 'list']), words, page)
    },

    async list(caller, name, words, page) {
      const { project } = await door.enter(caller, { name }, 'repository', 'list')
      return search({ kind: 'some', ids: [project.id], publicToo: false }, words, page)
    },

    get: (caller, path) =>
      judge.inRepository(caller, path, ['repository', 'read'], async (asked) => {
        const { repository } = await bus.ask(repositoryGet, asked)
        return repository
      }),

    describe: (caller, path, description) =>
      judge.inRepository(caller, path, ['repository', 'update'], async (asked, { project }) => {
        await bus.ask(repositoryUpdate, { ...asked, description })
        const entry = { operation: 'update', resourceType: 'repository', resource: asked.repository } as const
        await audit.record(database, caller, { ...entry, projectId: project.id })
      }),

    async delete(caller, path) {
      let projectId: number | undefined
      let deletedArtifacts = 0
      await untilDone((turn) =>
        judge.inRepository(caller, path, ['repository', 'delete'], async (asked, { project }) => {
          projectId = project.id
          try {
            const answer = await bus.ask(repositoryDelete, { ...asked, actor: actorOf(caller) })
            deletedArtifacts += answer.deletedArtifacts
            return answer
          } catch (err) {
            // Somebody else has finished what we have begun.
            if (turn > 0 && hasCode(err, 'NOT_FOUND')) return { done: true }
            throw err
          }
        }),
      )
      const resource = `${path.project}/${path.repository}`
      const description = `with ${deletedArtifacts} artifacts`
      const entry = { operation: 'delete', resourceType: 'repository', resource, description } as const
      await audit.record(database, caller, { ...entry, projectId })
    },
  }
}
