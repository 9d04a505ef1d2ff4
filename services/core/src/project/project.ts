import { BadRequest } from '@berth/errors'
import type { RegistryProject } from '@berth/types'
import { policyIn } from './metadata.ts'

export interface Project {
  id: number
  name: string
  ownerId: number
  ownerName: string
  public: boolean
  state: 'open' | 'deleting'
  /** -1 is without limit. */
  storageLimitBytes: number
  accessRevision: number
  revision: number
  createdAt: Date
  updatedAt: Date
  /** What is stored beside `public`. */
  metadata: Record<string, string>
}

const NAME = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/

/** @throws {BadRequest} outside Harbor's grammar for names, or not of 1–255 characters */
export function parseProjectName(text: string | undefined): string {
  if (!isProjectName(text ?? '')) {
    throw new BadRequest(
      'the project name must have 1 to 255 lower-case letters and digits, parted by single ".", "_" or "-"',
    )
  }
  return text as string
}

export function isProjectName(text: string): boolean {
  return text.length <= 255 && NAME.test(text)
}

/** @throws {BadRequest} 0 or less than -1 */
export function parseStorageLimit(bytes: number): number {
  if (bytes === -1 || (bytes > 0 && Number.isSafeInteger(bytes))) return bytes
  throw new BadRequest('the storage limit must be positive, or -1 for none')
}

/** How a path names a project. */
export type ProjectRef = { id: number } | { name: string }

/** A number is an id, unless the caller says that it is a name. */
export function parseProjectRef(text: string, isName: boolean): ProjectRef {
  const id = Number(text)
  return !isName && /^\d+$/.test(text) && Number.isSafeInteger(id) ? { id } : { name: text }
}

/** What the registry must know of it. */
export function toRegistryProject(project: Project, state: RegistryProject['state'] = project.state): RegistryProject {
  return {
    id: project.id,
    name: project.name,
    kind: 'local',
    state,
    public: project.public,
    accessRevision: project.accessRevision,
    quotaLimitBytes: project.storageLimitBytes,
    policy: policyIn(project.metadata),
    revision: project.revision,
  }
}
