import { type Database, type Transaction, tell } from '@berth/db'
import { PreconditionFailed, Unavailable } from '@berth/errors'
import type { Logger } from '@berth/runtime'
import { projectDeleted, projectUpdated } from '@berth/types'
import { type Project, toRegistryProject } from './project.ts'
import { projectStore } from './project-store.ts'
import type { RegistryPolicy } from './registry-policy.ts'

const SWEEP_MS = 20_000

export interface ProjectDeletion {
  /**
   * Deletes an empty project: marked, closed by the registry, gone.
   *
   * @throws {PreconditionFailed} it holds repositories; it is open again
   * @throws {Unavailable} the registry cannot be reached; the deletion goes on when it can
   */
  delete(project: Project, actor: string | undefined): Promise<void>
  /** Goes on with what has been deleting for over a minute, whoever began it. */
  sweep(): Promise<void>
}

export function createProjectDeletion(deps: {
  database: Database
  registry: RegistryPolicy
  poke: () => void
  log: Logger
}): ProjectDeletion {
  const { database, registry, poke, log } = deps

  async function mark(id: number): Promise<Project | undefined> {
    return database.transaction(async (tx) => {
      await projectStore.markDeleting(tx, id)
      return projectStore.find(tx, { id })
    })
  }

  async function finish(marked: Project, actor: string | undefined): Promise<boolean> {
    if (!(await registry.close(marked))) {
      await reopen(marked, actor)
      return false
    }
    const gone: Project = { ...marked, revision: marked.revision + 1 }
    const project = toRegistryProject(gone, 'deleted')
    const removed = await database.transaction(async (tx) => {
      if (!(await projectStore.remove(tx, marked.id, marked.revision))) return false
      await tell(tx, projectDeleted, { revision: gone.revision, actor, data: { project } })
      tx.afterCommit(poke)
      return true
    })
    if (removed) await informed(() => registry.inForce([project]), marked)
    else log.info('somebody else went on with the deletion of a project', { project: marked.name })
    return true
  }

  async function reopen(marked: Project, actor: string | undefined): Promise<void> {
    const reopened = await database.transaction(async (tx) => {
      if (!(await projectStore.reopen(tx, marked.id, marked.revision))) return undefined
      const project = await projectStore.find(tx, { id: marked.id })
      if (project) await tellUpdated(tx, project, actor)
      tx.afterCommit(poke)
      return project
    })
    if (reopened) await informed(() => registry.inForce([toRegistryProject(reopened)]), reopened)
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
    async delete({ id }, actor) {
      const marked = await mark(id)
      if (!marked) return
      const deleted = await finish(marked, actor).catch((err: unknown) => {
        if (!(err instanceof Error && (err as { code?: unknown }).code === 'UNAVAILABLE')) throw err
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
        await finish(project, undefined)
      }
    },
  }
}

async function tellUpdated(tx: Transaction, project: Project, actor: string | undefined): Promise<void> {
  const data = { project: toRegistryProject(project) }
  await tell(tx, projectUpdated, { revision: project.revision, actor, data })
}

/** Sweeps every twenty seconds until stopped. */
export function startDeletionSweep(deletion: ProjectDeletion, log: Logger): { stop(): void } {
  let running = false
  const timer = setInterval(async () => {
    if (running) return
    running = true
    try {
      await deletion.sweep()
    } catch (err) {
      log.warn('deletions wait', { err })
    } finally {
      running = false
    }
  }, SWEEP_MS)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
