import type { Database } from '@berth/db'
import { DomainError, PreconditionFailed } from '@berth/errors'
import { parseDigest, parseRepositoryName } from '@berth/oci'
import type { Logger } from '@berth/runtime'
import { deleteManifest } from '../manifest/index.ts'
import { isStillUntagged } from './untagged.ts'

/**
 * Deletes an untagged manifest as its owner would, with its accessories, usage and events. What has been tagged, put
 * into an index, pushed again or closed to changes meanwhile stays.
 */
export function collectManifest(parts: { database: Database; onChange: () => void; log: Logger }) {
  return async ({ repository, digest }: { repository: string; digest: string }, windowMs: number): Promise<void> => {
    try {
      const name = parseRepositoryName(repository)
      const isDeleted = await deleteManifest(parts.database, parseDigest(digest), {
        name,
        admit: (facts) => admitCollection(facts, repository),
        collects: (tx, manifestId) => isStillUntagged(tx, manifestId, windowMs),
      })
      if (isDeleted) parts.onChange()
    } catch (err) {
      if (!(err instanceof DomainError)) throw err
      parts.log.debug('an untagged manifest is kept', { repository, digest, err })
    }
  }
}

/** A project that is being deleted is purged as a whole. */
function admitCollection<F extends { state: string }>(facts: F | undefined, repository: string): F {
  if (facts?.state !== 'open') throw new PreconditionFailed(`the project of ${repository} is not open`)
  return facts
}
