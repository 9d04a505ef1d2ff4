import { type Database, type Transaction, tellMany } from '@berth/db'
import { projectUpdated } from '@berth/types'
import { actorOf, type Caller } from '../caller/caller.ts'
import { policyStore } from './policy-store.ts'
import { projectStore } from './project-store.ts'
import type { RegistryPolicy } from './registry-policy.ts'
import { registryProjects } from './registry-projects.ts'

export interface AccessChanges {
  /**
   * Makes a change of who may do what, raises the access revision of the projects it touches in the same transaction,
   * and answers once the registry refuses older tokens. `work` says which projects those are.
   *
   * @throws {Unavailable} saved, not yet in force
   */
  change<T>(
    caller: Caller,
    work: (tx: Transaction) => Promise<{ touches: readonly number[] | 'all'; result: T }>,
  ): Promise<T>
}

export function createAccessChanges(deps: {
  database: Database
  registry: RegistryPolicy
  poke: () => void
}): AccessChanges {
  const { database, registry, poke } = deps
  return {
    async change(caller, work) {
      const { result, projects } = await database.transaction(async (tx) => {
        await policyStore.holdSuite(tx)
        const done = await work(tx)
        const raised = await registryProjects(tx, await projectStore.raiseAccess(tx, done.touches))
        const actor = actorOf(caller)
        await tellMany(
          tx,
          projectUpdated,
          raised.map((project) => ({ revision: project.revision, actor, data: { project } })),
        )
        tx.afterCommit(poke)
        return { result: done.result, projects: raised }
      })
      await registry.inForce(projects)
      return result
    },
  }
}
