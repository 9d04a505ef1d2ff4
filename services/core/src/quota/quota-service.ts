import { type Database, type Page, parseSort } from '@berth/db'
import { BadRequest, NotFound } from '@berth/errors'
import { requireSystem } from '../access/index.ts'
import type { AuditTrail } from '../audit/index.ts'
import type { Caller } from '../caller/caller.ts'
import {
  type PolicyChanges,
  type Project,
  parseStorageLimit,
  policyStore,
  projectStore,
  type RegistryPolicy,
} from '../project/index.ts'
import { type QuotaOrder, quotaStore } from './quota-store.ts'

/** What a project may hold, and holds. */
export interface Quota {
  project: Project
  usedBytes: number
}

/** The use cases of quotas: of those who administer the suite. Limits are core's, usage is the registry's. */
export interface Quotas {
  list(
    caller: Caller,
    query: { reference?: string; referenceId?: string; sort?: string },
    page: Page,
  ): Promise<{ quotas: Quota[]; total: number }>
  get(caller: Caller, id: number): Promise<Quota>
  /** In force at the registry once this resolves. Below what is used it is taken: nothing more can be pushed then. */
  update(caller: Caller, id: number, hard: Record<string, number>): Promise<void>
}

const ORDERS: Readonly<Record<string, { by: 'used' | 'limit' }>> = {
  'used.storage': { by: 'used' },
  'hard.storage': { by: 'limit' },
}

export function createQuotas(deps: {
  database: Database
  registry: RegistryPolicy
  policies: PolicyChanges
  audit: AuditTrail
}): Quotas {
  const { database, registry, policies, audit } = deps

  async function find(id: number): Promise<Project> {
    const project = await projectStore.find(database, { id })
    if (!project) throw new NotFound(`quota ${id} not found`)
    return project
  }

  async function withUsage(ids: readonly number[]): Promise<Quota[]> {
    const [projects, holdings] = await Promise.all([projectStore.byIds(database, ids), registry.holdings(ids)])
    const known = new Map(projects.map((project) => [project.id, project]))
    return inOrder(
      ids.map((id) => ({ id, usedBytes: holdings.get(id)?.usedBytes ?? 0 })),
      known,
    )
  }

  /** The registry alone knows this order. */
  async function byUsage(order: 'used' | '-used', page: Page): Promise<{ quotas: Quota[]; total: number }> {
    const { used, total } = await registry.usage(order, page)
    const projects = await projectStore.byIds(
      database,
      used.map(({ id }) => id),
    )
    return { quotas: inOrder(used, new Map(projects.map((project) => [project.id, project]))), total }
  }

  return {
    async list(caller, { reference = 'project', referenceId, sort }, page) {
      requireSystem(caller, 'quota', 'list')
      if (reference !== 'project') return { quotas: [], total: 0 }
      if (referenceId !== undefined) {
        const id = /^\d{1,15}$/.test(referenceId) ? Number(referenceId) : 0
        const project = await projectStore.find(database, { id })
        const quotas = project ? await withUsage([project.id]) : []
        return { quotas: page.offset > 0 ? [] : quotas, total: quotas.length }
      }
      const order = orderOf(sort)
      if (order === 'used' || order === '-used') return byUsage(order, page)
      const { ids, total } = await quotaStore.page(database, order, page)
      return { quotas: await withUsage(ids), total }
    },

    async get(caller, id) {
      requireSystem(caller, 'quota', 'read')
      const project = await find(id)
      const holdings = await registry.holdings([project.id])
      return { project, usedBytes: holdings.get(project.id)?.usedBytes ?? 0 }
    },

    async update(caller, id, hard) {
      requireSystem(caller, 'quota', 'update')
      const bytes = parseHard(hard)
      const project = await find(id)
      await policies.change(caller, project.id, async (tx) => {
        await policyStore.setLimit(tx, project.id, bytes)
        await audit.record(tx, caller, {
          operation: 'update',
          resourceType: 'quota',
          resource: project.name,
          projectId: project.id,
          description: `from ${inBytes(project.storageLimitBytes)} to ${inBytes(bytes)}`,
        })
      })
    },
  }
}

/** @throws {BadRequest} anything but storage, or bytes nobody can have */
function parseHard({ storage, ...others }: Record<string, number>): number {
  if (Object.keys(others).length > 0) throw new BadRequest('only storage has a limit')
  if (storage === undefined) throw new BadRequest('hard must have storage, in bytes')
  return parseStorageLimit(storage)
}

/** The first key that is known; else by id. */
function orderOf(sort: string | undefined): QuotaOrder | 'used' | '-used' {
  for (const { key, descending } of parseSort(sort)) {
    const order = Object.hasOwn(ORDERS, key) ? ORDERS[key] : undefined
    if (order) return descending ? `-${order.by}` : order.by
  }
  return 'id'
}

/** What core does not know, for it has just been deleted, is left out. */
function inOrder(used: readonly { id: number; usedBytes: number }[], known: ReadonlyMap<number, Project>): Quota[] {
  return used.flatMap(({ id, usedBytes }) => {
    const project = known.get(id)
    return project ? [{ project, usedBytes }] : []
  })
}

function inBytes(bytes: number): string {
  return bytes === -1 ? 'no limit' : `${bytes} bytes`
}
