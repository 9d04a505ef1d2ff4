import { type Database, type Transaction, tell } from '@berth/db'
import { PreconditionFailed, Unavailable } from '@berth/errors'
import type { Logger } from '@berth/runtime'
import { projectDeleted, projectUpdated, type RegistryProject } from '@berth/types'
import type { AuditTrail } from '../audit/index.ts'
import { ANONYMOUS, actorOf, type Caller } from '../caller/caller.ts'
import { policyStore } from './policy-store.ts'
import type { Project } from './project.ts'
import { projectStore } from './project-store.ts'
import type { RegistryPolicy } from './registry-policy.ts'
import { registryProjects } from './registry-projects.ts'
import { repeat } from './repeat.ts'

const SWEEP_MS = 20_000

export interface ProjectDeletion {
  /**
   * Deletes an empty project: marked, closed by the registry, gone.
   *
   * @throws {PreconditionFailed} it holds repositories; it is open again
   * @throws {Unavailable} the registry cannot be reached; the deletion goes on when it can
   */
  delete(project: Project, caller: Caller): Promise<void>
  /** Goes on with what has been deleting for over a minute, whoever began it. */
  sweep(): Promise<void>
}

export function createProjectDeletion(deps: {
  database: Database
  registry: RegistryPolicy
  audit: AuditTrail
  poke: () => void
  log: Logger
}): ProjectDeletion {
  const { database, registry, audit, poke, log } = deps

  async function mark(id: number, caller: Caller): Promise<Project | undefined> {
    return database.transaction(async (tx) => {
      await projectStore.markDeleting(tx, id, actorOf(caller))
      return projectStore.find(tx, { id })
    })
  }

  async function finish(marked: Project, caller: Caller): Promise<boolean> {
    const actor = actorOf(caller)
    if (!(await registry.close(marked))) {
      await reopen(marked, actor)
      return false
    }
    const gone = await database.transaction(async (tx) => {
      const [seen] = await registryProjects(tx, [marked])
      if (!seen || !(await projectStore.remove(tx, marked.id, marked.revision))) return undefined
      const project: RegistryProject = { ...seen, state: 'deleted', revision: marked.revision + 1 }
      await tell(tx, projectDeleted, { revision: project.revision, actor, data: { project } })
      await audit.record(tx, caller, {
        operation: 'delete',
        resourceType: 'project',
        resource: marked.name,
        projectId: marked.id,
      })
      tx.afterCommit(poke)
      return project
    })
    if (gone) await informed(() => registry.inForce([gone]), marked)
    else log.info('somebody else went on with the deletion of a project', { project: marked.name })
    return true
  }

  async function reopen(marked: Project, actor: string | undefined): Promise<void> {
    const reopened = await database.transaction(async (tx) => {
      await policyStore.holdSuite(tx)
      if (!(await projectStore.reopen(tx, marked.id, marked.revision))) return undefined
      const [project] = await registryProjects(tx, await projectStore.byIds(tx, [marked.id]))
      if (project) await tellUpdated(tx, project, actor)
      tx.afterCommit(poke)
      return project
    })
    if (reopened) await informed(() => registry.inForce([reopened]), marked)
  }

  /** The outbox will tell the registry in any case. */
  async function informed(tellNow: () => Promise<void>, { name }: Project): Promise<void> {
    try {
      await tellNow()
    } catch (err) {
      log.warn('the registry hears of a project later', { project: name, err })
    }
  }

  return {
    async delete({ id }, caller) {
      const marked = await mark(id, caller)
      if (!marked) return
      const deleted = await finish(marked, caller).catch((err: unknown) => {
        if (!isUnavailable(err)) throw err
        throw new Unavailable('the registry cannot be reached, the deletion goes on when it can', { cause: err })
      })
      if (!deleted) {
        throw new PreconditionFailed(
          'the project contains repositories, please delete them before deleting the project',
        )
      }
    },
    async sweep() {
      for (const project of await projectStore.stuck(database)) {
        log.info('going on with the deletion of a project', { project: project.name })
        try {
          await finish(project, beganBy(project))
        } catch (err) {
          if (isUnavailable(err)) throw err
          // What is wrong with one is not the fault of those after it.
          log.warn('the deletion of a project cannot be finished', { project: project.name, err })
        }
      }
    },
  }
}

function isUnavailable(err: unknown): boolean {
  return err instanceof Error && (err as { code?: unknown }).code === 'UNAVAILABLE'
}

async function tellUpdated(tx: Transaction, project: RegistryProject, actor: string | undefined): Promise<void> {
  await tell(tx, projectUpdated, { revision: project.revision, actor, data: { project } })
}

/** For the event and the audit: all that is left of whoever began it is a name. */
function beganBy({ deletingBy }: Project): Caller {
  return deletingBy === undefined ? ANONYMOUS : { kind: 'user', id: 0, name: deletingBy, admin: false }
}

/** Sweeps every twenty seconds until stopped. */
export function startDeletionSweep(deletion: ProjectDeletion, log: Logger): { stop(): void } {
  return repeat(
    () => deletion.sweep(),
    SWEEP_MS,
    (err) => log.warn('deletions wait', { err }),
  )
}
