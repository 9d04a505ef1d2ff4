import type { Digest } from '@berth/oci'

export interface BroughtTag {
  name: string
  digest: Digest
  pushedAt?: Date
  pulledAt?: Date
}

/** Somebody who knows the tags of a registry whose storage has none: Harbor, or its database. */
export interface TagSource {
  /** `https://harbor.example`, `postgres://db.example/registry`: nothing secret. */
  readonly name: string
  /** Undefined when it does not know this repository. */
  tagsOf(repository: string): Promise<AsyncIterable<BroughtTag> | undefined>
  close(): Promise<void>
}
