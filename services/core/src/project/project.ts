import { BadRequest } from '@berth/errors'

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
  /** The name of who began to delete it. */
  deletingBy?: string
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

/** 1024 TiB */
const MAX_STORAGE_BYTES = 1_125_899_906_842_624

/** @throws {BadRequest} neither -1 nor of 1 to 1024 TiB in bytes */
export function parseStorageLimit(bytes: number): number {
  if (bytes === -1 || (Number.isSafeInteger(bytes) && bytes > 0 && bytes <= MAX_STORAGE_BYTES)) return bytes
  throw new BadRequest(`the storage limit must be 1 to ${MAX_STORAGE_BYTES} bytes, or -1 for none`)
}

/** How a path names a project. */
export type ProjectRef = { id: number } | { name: string }

/** A number is an id, unless the caller says that it is a name. */
export function parseProjectRef(text: string, isName: boolean): ProjectRef {
  const id = Number(text)
  return !isName && /^\d+$/.test(text) && Number.isSafeInteger(id) ? { id } : { name: text }
}
