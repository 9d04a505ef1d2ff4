import { type Database, type Queries, statement, tellMany } from '@berth/db'
import { artifactPulled } from '@berth/types'
import type { Gathered } from './gather-pulls.ts'

// Nobody is told that a pull was recorded, so a crash of Postgres may take the last ones along.
const begin = statement<{ record_pulls: boolean; count_pulls: boolean; time_pulls: boolean }>(
  'pull-begin',
  `SELECT record_pulls, count_pulls, time_pulls, set_config('synchronous_commit', 'off', true) FROM mode`,
)
const lockRepositories = statement(
  'pull-lock-repositories',
  'SELECT id FROM repository WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE',
)
const countRepositories = statement(
  'pull-count-repositories',
  `UPDATE repository SET pull_count = pull_count + v.pulls
   FROM unnest($1::bigint[], $2::bigint[]) v (id, pulls) WHERE repository.id = v.id AND repository.listed`,
)
const lockManifests = statement(
  'pull-lock-manifests',
  'SELECT id FROM manifest WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE',
)
const countManifests = statement(
  'pull-count-manifests',
  `UPDATE manifest SET pull_count = pull_count + CASE WHEN $4 THEN v.pulls ELSE 0 END,
     pulled_at = CASE WHEN $5 THEN greatest(pulled_at, v.at) ELSE pulled_at END
   FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) v (id, pulls, at) WHERE manifest.id = v.id`,
)
// In the order pushes take them. A tag that names something else by now was not pulled.
const lockTags = statement<{ id: number; manifest_id: number; name: string }>(
  'pull-lock-tags',
  `SELECT t.id, t.manifest_id, t.name FROM tag t
   JOIN unnest($1::bigint[], $2::text[]) v (manifest_id, name) ON t.manifest_id = v.manifest_id AND t.name = v.name
   ORDER BY t.repository_id, t.name FOR NO KEY UPDATE OF t`,
)
const timeTags = statement(
  'pull-time-tags',
  `UPDATE tag SET pulled_at = greatest(pulled_at, v.at)
   FROM unnest($1::bigint[], $2::timestamptz[]) v (id, at) WHERE tag.id = v.id`,
)
const takeRevisions = statement<{ revision: number }>(
  'pull-revisions',
  `SELECT nextval('revision') AS revision FROM generate_series(1, $1::int)`,
)

/**
 * Writes pulls down in one transaction: counts and times as far as they are wanted, then the events. Locks in the order of a push: repositories,
 * manifests, tags, the outbox. False, and nothing done, while pulls are not to be recorded.
 */
export async function writePulls(database: Database, pulls: readonly Gathered[]): Promise<boolean> {
  return database.transaction(async (tx) => {
    const mode = await tx.find(begin)
    if (mode?.record_pulls !== true) return false
    const { count_pulls: counted, time_pulls: timed } = mode
    if (counted) {
      const repositories = sumBy(pulls, (pull) => pull.repositoryId)
      await tx.run(lockRepositories, [repositories.ids])
      await tx.run(countRepositories, [repositories.ids, repositories.counts])
    }
    if (counted || timed) {
      const manifests = sumBy(pulls, (pull) => pull.manifestId)
      await tx.run(lockManifests, [manifests.ids])
      await tx.run(countManifests, [manifests.ids, manifests.counts, manifests.times, counted, timed])
    }
    if (timed) await writeTags(tx, pulls)
    await tellPulls(tx, pulls)
    return true
  })
}

async function writeTags(tx: Queries, pulls: readonly Gathered[]): Promise<void> {
  const times = new Map<string, { manifestId: number; tag: string; at: Date }>()
  for (const { manifestId, tag, pulledAt } of pulls) {
    if (tag === undefined) continue
    const key = `${manifestId} ${tag}`
    const known = times.get(key)
    if (known === undefined || known.at < pulledAt) times.set(key, { manifestId, tag, at: pulledAt })
  }
  if (times.size === 0) return
  const named = [...times.values()]
  const held = await tx.run(lockTags, [named.map(({ manifestId }) => manifestId), named.map(({ tag }) => tag)])
  const at = held.map(({ manifest_id, name }) => times.get(`${manifest_id} ${name}`)?.at)
  await tx.run(timeTags, [held.map(({ id }) => id), at])
}

async function tellPulls(tx: Queries, pulls: readonly Gathered[]): Promise<void> {
  const revisions = await tx.run(takeRevisions, [pulls.length])
  const events = pulls.map((pull, i) => ({
    revision: revisions[i]?.revision ?? 0,
    actor: pull.actor,
    address: pull.address,
    data: {
      projectId: pull.projectId,
      repository: pull.repository,
      digest: pull.digest,
      mediaType: pull.mediaType,
      tag: pull.tag,
      count: pull.count,
      pulledAt: pull.pulledAt.toISOString(),
    },
  }))
  await tellMany(tx, artifactPulled, events)
}

/** Counts and last times by id, ids sorted. */
function sumBy(
  pulls: readonly Gathered[],
  idOf: (pull: Gathered) => number,
): { ids: number[]; counts: number[]; times: Date[] } {
  const sums = new Map<number, { count: number; at: Date }>()
  for (const pull of pulls) {
    const known = sums.get(idOf(pull))
    const at = known !== undefined && known.at > pull.pulledAt ? known.at : pull.pulledAt
    sums.set(idOf(pull), { count: pull.count + (known?.count ?? 0), at })
  }
  const sorted = [...sums].sort(([a], [b]) => a - b)
  return {
    ids: sorted.map(([id]) => id),
    counts: sorted.map(([, { count }]) => count),
    times: sorted.map(([, { at }]) => at),
  }
}
