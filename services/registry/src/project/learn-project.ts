import { projectOf, type RepositoryName } from '@berth/oci'
import type { RegistryProject } from '@berth/types'
import { LRUCache } from 'lru-cache'
import { NameUnknown, ProjectUnknown } from './project.ts'
import type { ProjectStore } from './project-store.ts'

const UNKNOWN_MS = 1_000
const REMEMBERED = 1_000

/** Asks core for a project; `null` when there is none, {Unavailable} when core cannot be reached within 500 ms. */
export type AskProject = (name: string) => Promise<RegistryProject | null>

/** Does `work`; when its project has no row here, asks core once, puts what it says in force and does it again. */
export type WithProject = <T>(name: RepositoryName, work: () => Promise<T>) => Promise<T>

export function createWithProject(store: Pick<ProjectStore, 'put'>, ask: AskProject): WithProject {
  const unknown = new LRUCache<string, true>({ max: REMEMBERED, ttl: UNKNOWN_MS })
  const asking = new Map<string, Promise<boolean>>()

  async function askCore(project: string): Promise<boolean> {
    const found = await ask(project)
    if (found === null || found.state === 'deleted') {
      unknown.set(project, true)
      return false
    }
    await store.put(found)
    return true
  }

  function learn(project: string): Promise<boolean> {
    if (unknown.has(project)) return Promise.resolve(false)
    let answer = asking.get(project)
    if (answer === undefined) {
      answer = askCore(project).finally(() => asking.delete(project))
      asking.set(project, answer)
    }
    return answer
  }

  return async (name, work) => {
    try {
      return await work()
    } catch (err) {
      if (!(err instanceof ProjectUnknown)) throw err
      if (!(await learn(projectOf(name)))) throw new NameUnknown(name)
      return await again(name, work)
    }
  }
}

async function again<T>(name: RepositoryName, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (err) {
    if (err instanceof ProjectUnknown) throw new NameUnknown(name)
    throw err
  }
}
