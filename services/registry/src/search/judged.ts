import { lookup, type Queries, statement } from '@berth/db'
import { Denied, MethodNotAllowed, NotFound, PreconditionFailed } from '@berth/errors'
import { findRepositoryName, projectOf, type RepositoryName } from '@berth/oci'
import type { JudgedProject } from '@berth/types'
import { RULE_FACTS, type RuleFacts, readOnly } from '../policy/index.ts'
import { CHANGE_FACTS, type ChangeFacts, type ProjectFacts, ProjectUnknown } from '../project/index.ts'

/** A repository core has judged somebody for. */
export interface JudgedRepository {
  project: JudgedProject
  /** `library/nginx` */
  repository: string
}

interface Row extends ChangeFacts, RuleFacts {
  project_id: number
  project_name: string
  repository_id: number | null
  /** `null` where nothing was looked for, or found. */
  repository_name: RepositoryName | null
}

/** A project that is there, and a repository of it that is. */
export interface FoundRepository extends Row {
  repository_id: number
  repository_name: RepositoryName
}

const FOUND = `SELECT ${CHANGE_FACTS}, ${RULE_FACTS}, p.name AS project_name, r.id AS repository_id, r.name AS repository_name
   FROM project p LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2 AND r.listed
   WHERE p.id = $1 AND p.state <> 'deleted'`

const find = statement<Row>('judged-find', FOUND)
const hold = statement<Row>('judged-hold', `${FOUND} FOR KEY SHARE OF p`)

/**
 * The repository as it stands, for reading.
 *
 * @throws {NotFound} no such project or repository
 * @throws {PreconditionFailed} who may do what has changed since core judged
 */
export async function findJudged(db: Queries, asked: JudgedRepository): Promise<FoundRepository> {
  return required(await db.find(find, [asked.project.id, nameOf(asked)]), asked)
}

/** {@link findJudged} for what is asked all the time: those of many questions are found together. */
export function judgedLookup(db: Queries): (asked: JudgedRepository) => Promise<FoundRepository> {
  const found = lookup<Row>(db, find, ['bigint', 'text'])
  return async (asked) => required(await found([asked.project.id, nameOf(asked)]), asked)
}

/** The project as it stands, for reading. @throws as {@link findJudged} */
export async function findJudgedProject(db: Queries, project: JudgedProject): Promise<Row> {
  return standing(await db.find(find, [project.id, '']), project)
}

/**
 * Where something is to be put: an open local project, and the repository if there is one already.
 *
 * @throws {ProjectUnknown} no row: core may know it
 * @throws {PreconditionFailed} who may do what has changed since core judged
 * @throws {MethodNotAllowed} a proxy project; {Denied} nothing may be changed here, or anywhere
 */
export async function findTarget(db: Queries, asked: JudgedRepository): Promise<Row> {
  const name = nameOf(asked)
  const row = await db.find(find, [asked.project.id, name])
  if (row === undefined || row.state === 'closed') throw new ProjectUnknown('repository name not known to registry')
  const found = standing(row, asked.project)
  if (found.project_name !== projectOf(name)) throw repositoryUnknown(name)
  requireLocal(found)
  requireOpen(found)
  return found
}

/**
 * The repository, its project held open until the transaction ends: the first lock of it.
 *
 * @throws as {@link findJudged}
 * @throws {Denied} nothing may be changed here, or anywhere
 */
export async function holdJudged(tx: Queries, asked: JudgedRepository): Promise<FoundRepository> {
  const found = required(await tx.find(hold, [asked.project.id, nameOf(asked)]), asked)
  requireOpen(found)
  return found
}

/** @throws {Denied} nothing may be changed here, or anywhere */
export function requireOpen({ read_only, state }: Pick<ChangeFacts, 'read_only' | 'state'>): void {
  if (read_only) throw readOnly()
  if (state !== 'open') throw new Denied('the project is being deleted')
}

/** How a change judges the project it finds. @throws as {@link holdJudged} */
export function admitJudged(project: JudgedProject): <F extends ChangeFacts>(facts: F | undefined) => F {
  return (facts) => {
    const found = standing(facts, project)
    requireOpen(found)
    return found
  }
}

/** @throws {MethodNotAllowed} a proxy project, which holds only what its upstream does */
export function requireLocal({ kind }: Pick<ProjectFacts, 'kind'>): void {
  if (kind === 'proxy') throw new MethodNotAllowed("the operation isn't supported for a proxy cache project")
}

function required(row: Row | undefined, asked: JudgedRepository): FoundRepository {
  const found = standing(row, asked.project)
  const { repository_id, repository_name } = found
  if (repository_id === null || repository_name === null) throw repositoryUnknown(asked.repository)
  return { ...found, repository_id, repository_name }
}

/** Whether what core judged still holds. @throws {NotFound}, {PreconditionFailed} */
function standing<F extends ProjectFacts>(facts: F | undefined, project: JudgedProject): F {
  if (facts === undefined || facts.state === 'closed' || facts.project_id !== project.id) {
    throw new NotFound(`project ${project.id} not found`)
  }
  if (facts.access_revision > project.accessRevision) {
    throw new PreconditionFailed('the project has been changed meanwhile')
  }
  return facts
}

/** @throws {NotFound} nothing can have this name */
export function nameOf({ repository }: Pick<JudgedRepository, 'repository'>): RepositoryName {
  const name = findRepositoryName(repository)
  if (name === undefined || !name.includes('/') || projectOf(name) === '') throw repositoryUnknown(repository)
  return name
}

function repositoryUnknown(repository: string): NotFound {
  return new NotFound(`repository ${repository} not found`)
}
