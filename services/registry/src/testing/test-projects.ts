import { projectPut, type RegistryProject } from '@berth/types'
import { RegistryClient } from './registry-client.ts'
import { type Replica, testProject, type World } from './test-world.ts'

export interface TestProject {
  readonly now: RegistryProject
  /** Changes it as core would: a revision more, and in force when this resolves. */
  change(over: Partial<RegistryProject>): Promise<void>
  /** One who may do everything in a repository of it, on a replica. */
  client(replica: Replica, repository?: string, actions?: string[]): RegistryClient
}

let lastId = 1_000

/** A project of its own, put by an ask. */
export async function newProject(world: World, over: Partial<RegistryProject> = {}): Promise<TestProject> {
  const id = ++lastId
  let now = testProject({ id, name: `project-${id}`, ...over })
  const put = () => world.bus.ask(projectPut, { project: now })
  await put()
  return {
    get now() {
      return now
    },
    async change(changed) {
      now = { ...now, ...changed, revision: now.revision + 1 }
      await put()
    },
    client(replica, repository = 'app', actions) {
      const name = `${now.name}/${repository}`
      const token = world.tokenFor(name, actions, { project: id, rev: now.accessRevision })
      return new RegistryClient(replica.url, name, `Bearer ${token}`)
    },
  }
}
