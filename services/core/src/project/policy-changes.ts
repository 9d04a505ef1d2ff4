import { type Database, type Transaction, tellMany } from '@berth/db'
import { PreconditionFailed } from '@berth/errors'
import { projectUpdated, type RegistryProject } from '@berth/types'
import { actorOf, type Caller } from '../caller/caller.ts'
import { policyStore } from './policy-store.ts'
import { projectStore } from './project-store.ts'
import type { RegistryPolicy } from './registry-policy.ts'
import { registryProjects } from './registry-projects.ts'

export interface PolicyChanges {
  /**
   * Changes what a project demands: `work` runs with its row locked and its revision raised, and its access revision
   * too when `public` changes. Answers once the registry obeys.
   *
   * @throws {PreconditionFailed} the project is being deleted
   * @throws {Unavailable} saved, not yet in force
   */
  change<T>(
    caller: Caller,
    projectId: number,
    work: (tx: Transaction) => Promise<T>,
    change?: { public?: boolean },
  ): Promise<T>
  /**
   * Changes the allowlist of the suite, for every project whose pulls it decides on.
   *
   * @throws {Unavailable} saved, not yet in force
   */
  changeSuite(caller: Caller, work: (tx: Transaction) => Promise<void>): Promise<void>
}

export function createPolicyChanges(deps: {
  database: Database
  registry: RegistryPolicy
  poke: () => void
}): PolicyChanges {
  const { database, registry, poke } = deps

  async function told(tx: Transaction, caller: Caller, ids: readonly number[]): Promise<RegistryProject[]> {
    const projects = await projectStore.byIds(tx, ids)
    const seen = await registryProjects(tx, projects)
    const actor = actorOf(caller)
    await tellMany(
      tx,
      projectUpdated,
      seen.map((project) => ({ revision: project.revision, actor, data: { project } })),
    )
    tx.afterCommit(poke)
    return seen
  }

  return {
    async change(caller, projectId, work, change = {}) {
      const { result, projects } = await database.transaction(async (tx) => {
        await policyStore.holdSuite(tx)
        if (!(await projectStore.update(tx, projectId, change))) {
          throw new PreconditionFailed('the project is being deleted')
        }
        const done = await work(tx)
        return { result: done, projects: await told(tx, caller, [projectId]) }
      })
      await registry.inForce(projects)
      return result
    },
    async changeSuite(caller, work) {
      const projects = await database.transaction(async (tx) => {
        await policyStore.lockSuite(tx)
        await work(tx)
        return told(tx, caller, await policyStore.raiseHeeding(tx))
      })
      await registry.inForce(projects)
    },
  }
}
