import { type Database, isUniqueViolation, type Page } from '@berth/db'
import { BadRequest, Conflict, NotFound, PreconditionFailed } from '@berth/errors'
import type { Logger } from '@berth/runtime'
import { refusal, requireSystem } from '../access/index.ts'
import type { AuditEntry, AuditTrail } from '../audit/index.ts'
import { type Caller, isAdmin } from '../caller/caller.ts'
import { type ProjectDoor, projectStore } from '../project/index.ts'
import { type Label, type LabelText, parseLabel } from './label.ts'
import type { PurgeLabel } from './label-purge.ts'
import { labelStore } from './label-store.ts'

/** What a request says of a label. */
interface RawLabel {
  name?: string
  description?: string
  color?: string
  scope?: string
  project_id?: number
}

/** The use cases of labels; those of a project are the project's, those of the suite its administrators'. */
export interface Labels {
  /** Those of the suite are for anybody. */
  list(
    caller: Caller,
    query: { scope?: string; projectId?: number; q?: string; sort?: string; name?: string },
    page: Page,
  ): Promise<{ labels: Label[]; total: number }>
  create(caller: Caller, raw: RawLabel): Promise<number>
  get(caller: Caller, id: number): Promise<Label>
  /** Name, description and colour, on every artifact that has it; a label stays where it belongs. */
  update(caller: Caller, id: number, raw: RawLabel): Promise<void>
  /** Gone from every list at once, and taken off the artifacts as soon as the registry can. */
  delete(caller: Caller, id: number): Promise<void>
  /** Goes on with what has been deleted for over a minute. */
  sweep(): Promise<void>
}

export function createLabels(deps: {
  database: Database
  door: ProjectDoor
  audit: AuditTrail
  purge: PurgeLabel
  log: Logger
}): Labels {
  const { database, door, audit, purge, log } = deps

  async function enter(caller: Caller, projectId: number | undefined, action: string): Promise<void> {
    if (projectId === undefined) return requireSystem(caller, 'label', action)
    const { project } = await door.enter(caller, { id: projectId }, 'label', action)
    const changes = action !== 'read' && action !== 'list'
    if (changes && project.state !== 'open') throw beingDeleted()
  }

  /** Whether there is such a label only administrators learn, like whether there is such a project. */
  async function find(caller: Caller, id: number, action: string): Promise<Label> {
    const label = await labelStore.find(database, id)
    if (!label) throw isAdmin(caller) ? labelNotFound(id) : refusal(caller)
    await enter(caller, label.projectId, action)
    return label
  }

  return {
    async list(caller, { scope, projectId, ...query }, page) {
      const owner = ownerOf(scope, projectId)
      if (owner !== undefined) await enter(caller, owner, 'list')
      return labelStore.list(database, owner, query, page)
    },

    async create(caller, raw) {
      const owner = ownerOf(raw.scope, raw.project_id)
      await enter(caller, owner, 'create')
      const label = parseLabel(raw)
      return database.transaction(async (tx) => {
        if (owner !== undefined && !(await projectStore.holdOpen(tx, [owner]))) throw beingDeleted()
        const id = await labelStore.insert(tx, owner, label).catch(conflict(label))
        await audit.record(tx, caller, entry('create', { ...label, projectId: owner }))
        return id
      })
    },

    get: (caller, id) => find(caller, id, 'read'),

    async update(caller, id, raw) {
      const before = await find(caller, id, 'update')
      const label = parseLabel(raw)
      await database.transaction(async (tx) => {
        if (!(await labelStore.update(tx, id, label).catch(conflict(label)))) throw labelNotFound(id)
        const renamed = before.name === label.name ? undefined : `it was ${before.name}`
        await audit.record(tx, caller, entry('update', { ...label, projectId: before.projectId }, renamed))
      })
    },

    async delete(caller, id) {
      const label = await find(caller, id, 'delete')
      await database.transaction(async (tx) => {
        if (!(await labelStore.markDeleted(tx, id))) throw labelNotFound(id)
        await audit.record(tx, caller, entry('delete', label))
      })
      try {
        await purge(id)
      } catch (err) {
        log.warn('a deleted label is taken off artifacts later', { label: id, err })
      }
    },

    async sweep() {
      for (const id of await labelStore.deleted(database)) {
        if (await purge(id)) await labelStore.remove(database, id)
      }
    },
  }
}

/** Whose labels are meant. @throws {BadRequest} neither `g` nor `p`, or `p` without a project */
function ownerOf(scope: string | undefined, projectId: number | undefined): number | undefined {
  if (scope === 'g') return undefined
  if (scope !== 'p') throw new BadRequest('the scope of a label must be g, of the whole suite, or p, of a project')
  if (!projectId || projectId < 0) throw new BadRequest('scope p needs project_id')
  return projectId
}

function entry(
  operation: AuditEntry['operation'],
  { name, projectId }: Pick<Label, 'name' | 'projectId'>,
  description?: string,
): AuditEntry {
  return { operation, resourceType: 'label', resource: name, projectId, description }
}

function beingDeleted(): PreconditionFailed {
  return new PreconditionFailed('the project is being deleted')
}

function labelNotFound(id: number): NotFound {
  return new NotFound(`label ${id} not found`)
}

function conflict({ name }: LabelText) {
  return (err: unknown): never => {
    if (isUniqueViolation(err, 'labels_name_key')) throw new Conflict(`a label named ${name} exists already`)
    throw err
  }
}
