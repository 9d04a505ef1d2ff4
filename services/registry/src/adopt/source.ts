import type { Readable } from 'node:stream'
import type { StorageKey } from '../storage/index.ts'

/** What is known of a file without reading it. */
export interface FileFacts {
  sizeBytes: number
  changedAt: Date
}

/**
 * A storage of another registry, to be read. Paths are below its `docker/registry/v2`, without a slash in front.
 * Nothing is ever written to it.
 */
export interface AdoptSource {
  /** What it is called in the tables: `/var/lib/registry/docker/registry/v2`, `s3://bucket/harbor/docker/registry/v2`. */
  readonly name: string
  /** How many files it is worth reading at a time. */
  readonly width: number
  /** Names of the directories in a directory, in any order; none when it is not there. */
  directories(path: string): AsyncIterable<string>
  /** Undefined when it is not there. @throws {FileTooLarge} */
  readSmall(path: string, maxBytes: number): Promise<(FileFacts & { bytes: Buffer }) | undefined>
  /** Undefined when it is not there. */
  facts(path: string): Promise<FileFacts | undefined>
  open(path: string): Promise<Readable>
  /** The key our storage reads this file by; only ever the file of a blob. */
  keyOf(path: string): StorageKey
  close(): Promise<void>
}

export class FileTooLarge extends Error {
  override name = 'FileTooLarge'
}
