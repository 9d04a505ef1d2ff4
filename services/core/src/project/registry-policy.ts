import { MAX_PAGE_SIZE, type Page } from '@berth/db'
import { Unavailable } from '@berth/errors'
import type { Bus } from '@berth/messaging'
import { projectClose, projectCount, projectPut, projectUsage, type RegistryProject } from '@berth/types'

const IN_FORCE_MS = 3_000
const AT_ONCE = 16
const MAX_COUNTED = 100

export interface ProjectHoldings {
  repositories: number
  usedBytes: number
}

/** The registry, as far as projects go. */
export interface RegistryPolicy {
  /**
   * Resolves when the registry obeys these; three seconds for all of them.
   *
   * @throws {Unavailable} "saved, not yet in force": it will hear of them from the outbox
   */
  inForce(projects: readonly RegistryProject[]): Promise<void>
  /** Closes an empty project to every change. False: it holds a repository. */
  close(project: { id: number; revision: number }): Promise<boolean>
  /** How much each of these projects holds. */
  holdings(ids: readonly number[]): Promise<Map<number, ProjectHoldings>>
  /** A page of the projects by what they use, with how many there are; a hundred at a time. */
  usage(order: 'used' | '-used', page: Page): Promise<{ used: { id: number; usedBytes: number }[]; total: number }>
}

export function createRegistryPolicy(bus: Pick<Bus, 'ask'>): RegistryPolicy {
  return {
    async inForce(projects) {
      const deadline = Date.now() + IN_FORCE_MS
      const waiting = [...projects]
      const worker = async () => {
        for (let project = waiting.pop(); project; project = waiting.pop()) {
          const timeoutMs = deadline - Date.now()
          if (timeoutMs <= 0) throw new Unavailable('the registry takes too long')
          await bus.ask(projectPut, { project }, { timeoutMs })
        }
      }
      try {
        await Promise.all(Array.from({ length: Math.min(AT_ONCE, projects.length) }, worker))
      } catch (err) {
        throw new Unavailable('saved, not yet in force: the registry cannot be reached', { cause: err })
      }
    },
    async close({ id, revision }) {
      try {
        await bus.ask(projectClose, { id, requireEmpty: true, revision })
        return true
      } catch (err) {
        if ((err as { code?: unknown }).code === 'PRECONDITION') return false
        throw err
      }
    },
    async holdings(ids) {
      const found = new Map<number, ProjectHoldings>()
      for (let from = 0; from < ids.length; from += MAX_COUNTED) {
        const { counts } = await bus.ask(projectCount, { ids: ids.slice(from, from + MAX_COUNTED) })
        for (const { id, repositories, usedBytes } of counts) found.set(id, { repositories, usedBytes })
      }
      return found
    },
    async usage(sort, { number, limit }) {
      const pageSize = Math.min(limit, MAX_PAGE_SIZE)
      const used: { id: number; usedBytes: number }[] = []
      for (let page = number; ; page++) {
        const found = await bus.ask(projectUsage, { sort, page, pageSize })
        used.push(...found.projects.map(({ id, usedBytes }) => ({ id, usedBytes })))
        const isLast = used.length >= limit || found.projects.length < pageSize
        if (isLast) return { used, total: found.total }
      }
    },
  }
}
