import { type Database, isUniqueViolation, type Page, type Transaction } from '@berth/db'
import { BadRequest, Conflict, NotFound } from '@berth/errors'
import type { AuditEntry, AuditTrail } from '../audit/index.ts'
import type { Caller } from '../caller/caller.ts'
import type { PolicyChanges, ProjectDoor, ProjectRef } from '../project/index.ts'
import { type ImmutableRule, parseSelectors, type RawImmutableRule, requireWhole, sizeOf } from './immutable-rule.ts'
import { immutableStore } from './immutable-store.ts'

const MAX_RULES = 100
/**
 * Of all patterns of a project, alternatives written out. The registry holds every tag of a list against them; and with
 * the longest allowlist they fit into one message.
 */
const MAX_SIZE = 8_192

/** The use cases of rules for immutable tags. Every change is in force at the registry before it is answered. */
export interface ImmutableRules {
  list(
    caller: Caller,
    ref: ProjectRef,
    query: { q?: string; sort?: string },
    page: Page,
  ): Promise<{ rules: ImmutableRule[]; total: number }>
  create(caller: Caller, ref: ProjectRef, raw: RawImmutableRule): Promise<number>
  /** Selectors that are not given stay, so that a rule can be switched off and on by itself. */
  update(caller: Caller, ref: ProjectRef, id: number, raw: RawImmutableRule): Promise<void>
  delete(caller: Caller, ref: ProjectRef, id: number): Promise<void>
}

export function createImmutableRules(deps: {
  database: Database
  door: ProjectDoor
  policies: PolicyChanges
  audit: AuditTrail
}): ImmutableRules {
  const { database, door, policies, audit } = deps

  return {
    async list(caller, ref, query, page) {
      const { project } = await door.enter(caller, ref, 'immutable-tag', 'list')
      return immutableStore.list(database, project.id, query, page)
    },

    async create(caller, ref, raw) {
      const { project } = await door.enter(caller, ref, 'immutable-tag', 'create')
      const rule = { disabled: raw.disabled, ...requireWhole(parseSelectors(raw)) }
      return policies.change(caller, project.id, async (tx) => {
        const id = await immutableStore.insert(tx, project.id, rule).catch(conflict)
        await requireFits(tx, project.id)
        await audit.record(tx, caller, entry('create', project, { id, ...rule }))
        return id
      })
    },

    async update(caller, ref, id, raw) {
      const { project } = await door.enter(caller, ref, 'immutable-tag', 'update')
      const selectors = parseSelectors(raw)
      await policies.change(caller, project.id, async (tx) => {
        const before = await immutableStore.find(tx, project.id, id)
        if (!before) throw ruleNotFound(id)
        const rule = { ...before, ...selectors, disabled: raw.disabled }
        await immutableStore.update(tx, project.id, rule).catch(conflict)
        await requireFits(tx, project.id)
        await audit.record(tx, caller, entry('update', project, rule))
      })
    },

    async delete(caller, ref, id) {
      const { project } = await door.enter(caller, ref, 'immutable-tag', 'delete')
      await policies.change(caller, project.id, async (tx) => {
        const before = await immutableStore.find(tx, project.id, id)
        if (!before || !(await immutableStore.remove(tx, project.id, id))) throw ruleNotFound(id)
        await audit.record(tx, caller, entry('delete', project, before))
      })
    },
  }
}

/** The row of the project is locked: nobody adds a rule meanwhile. */
async function requireFits(tx: Transaction, projectId: number): Promise<void> {
  const rules = await immutableStore.all(tx, projectId)
  if (rules.length > MAX_RULES) throw new BadRequest(`a project has at most ${MAX_RULES} rules for immutable tags`)
  if (sizeOf(rules) > MAX_SIZE) {
    const most = `at most ${MAX_SIZE} characters, alternatives in braces written out`
    throw new BadRequest(`the patterns of all rules of the project have ${most}`)
  }
}

function entry(
  operation: AuditEntry['operation'],
  project: { id: number; name: string },
  { id, disabled, repositories, tags }: ImmutableRule,
): AuditEntry {
  const words = (list: ImmutableRule['tags']) =>
    list.map(({ pattern, excludes }) => (excludes ? `not ${pattern}` : pattern)).join(' and ')
  const description = `tags ${words(tags)} of ${words(repositories)}${disabled ? ', switched off' : ''}`
  return {
    operation,
    resourceType: 'immutable-tag',
    resource: `${project.name}:${id}`,
    projectId: project.id,
    description: description.slice(0, 500),
  }
}

function ruleNotFound(id: number): NotFound {
  return new NotFound(`the project has no immutability rule ${id}`)
}

function conflict(err: unknown): never {
  if (isUniqueViolation(err, 'immutability_rules_project_id_fingerprint_key')) {
    throw new Conflict('the project has this rule already')
  }
  throw err
}
