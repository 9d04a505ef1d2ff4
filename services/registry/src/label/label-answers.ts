import type { Database } from '@berth/db'
import { type Answer, answer } from '@berth/messaging'
import type { RepositoryName } from '@berth/oci'
import { labelAttach, labelDetach, labelPurge } from '@berth/types'
import { nameOf } from '../search/index.ts'
import { attachLabel, detachLabel, purgeLabel } from './label-store.ts'

const PURGE_MS = 5_000

/** `svc.registry.v1.label.*`, for core, who owns the labels and has judged the caller. */
export function labelAnswers(database: Database, onChange: (repository?: RepositoryName) => void): Answer[] {
  return [
    answer(labelAttach, async (request) => {
      const artifactId = await attachLabel(database, request)
      onChange(nameOf(request))
      return { artifactId }
    }),
    answer(labelDetach, async (request) => {
      const artifactId = await detachLabel(database, request)
      onChange(nameOf(request))
      return { artifactId }
    }),
    answer(labelPurge, async ({ labelId }) => {
      const purged = await purgeLabel(database, labelId, PURGE_MS)
      onChange()
      return purged
    }),
  ]
}
