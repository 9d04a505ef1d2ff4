import { Denied, DomainError } from '@berth/errors'
import { type Grant, NotAuthorized } from '../auth/index.ts'
import { QUOTA_LIMIT, READ_ONLY, readOnly } from '../policy/index.ts'

export type ProjectState = 'open' | 'deleting' | 'closed' | 'deleted'

/** What a statement that looks for content says of the project it looked in. */
export interface ProjectFacts {
  project_id: number
  access_revision: number
  state: ProjectState
  kind: 'local' | 'proxy'
}

/** The columns of {@link ProjectFacts}, of a table called p. */
export const PROJECT_FACTS = 'p.id AS project_id, p.access_revision, p.state, p.kind'

/** What a statement that is about to change something says beside. */
export interface ChangeFacts extends ProjectFacts {
  /** Nothing may be changed anywhere. */
  read_only: boolean
  /** Bytes; -1 is without limit. */
  quota_limit: number
  /** Bytes that count in the project. */
  used: number
}

/** The columns of {@link ChangeFacts}, of a table called p. */
export const CHANGE_FACTS = `${PROJECT_FACTS}, ${QUOTA_LIMIT} AS quota_limit, p.used, ${READ_ONLY}`

/** NAME_UNKNOWN (404): no such project, or no such repository in it. */
export class NameUnknown extends DomainError {
  override name = 'NameUnknown'
  readonly code = 'NAME_UNKNOWN'

  constructor(name: string) {
    super('repository name not known to registry', { detail: { name } })
  }
}

/** The project has no row yet: core may know it. */
export class ProjectUnknown extends DomainError {
  override name = 'ProjectUnknown'
  readonly code = 'NAME_UNKNOWN'
}

/**
 * Whether what a caller was granted still holds here: another project may have the name now, and who may do what may
 * have changed since.
 *
 * @throws {ProjectUnknown} no row, or one that is closed to everybody
 * @throws {NotAuthorized} granted for another project, or by an older access revision
 */
export function admit<F extends ProjectFacts>(facts: F | undefined, grant: Grant): F {
  if (facts === undefined || facts.state === 'closed') throw new ProjectUnknown('repository name not known to registry')
  if (!holdsFor(facts, grant)) throw new NotAuthorized('stale-token', grant.need)
  return facts
}

/** @throws {Denied} nothing may be changed in this project, or anywhere */
export function admitChange<F extends ChangeFacts>(facts: F | undefined, grant: Grant): F {
  const admitted = admit(facts, grant)
  if (admitted.read_only) throw readOnly()
  if (admitted.state !== 'open') throw new Denied('the project is being deleted')
  return admitted
}

/** @throws {Denied} nothing may be pushed to this project */
export function admitPush<F extends ChangeFacts>(facts: F | undefined, grant: Grant): F {
  const admitted = admitChange(facts, grant)
  if (admitted.kind === 'proxy') throw new Denied('can not push artifact to a proxy project')
  return admitted
}

function holdsFor(facts: Pick<ProjectFacts, 'project_id' | 'access_revision'>, grant: Grant): boolean {
  return facts.project_id === grant.project && facts.access_revision <= grant.rev
}
