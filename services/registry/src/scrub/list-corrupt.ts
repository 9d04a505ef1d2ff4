import { type Queries, statement } from '@berth/db'

const SHOWN = 1_000
const NAMES = 3

const countCorrupt = statement<{ n: number }>(
  'scrub-count-corrupt',
  `SELECT (SELECT count(*) FROM blob WHERE corrupt_at IS NOT NULL)
     + (SELECT count(*) FROM manifest_content WHERE corrupt_at IS NOT NULL) AS n`,
)
const namesOf = (condition: string) => `CROSS JOIN LATERAL (SELECT coalesce(array_agg(x.name), '{}') AS names FROM (
     SELECT r.name || '@' || m.digest AS name FROM manifest m JOIN repository r ON r.id = m.repository_id
     WHERE ${condition} ORDER BY m.id LIMIT ${NAMES + 1}) x) n`
const listItems = statement<CorruptItem>(
  'scrub-list-corrupt',
  `(SELECT 'blob' AS kind, b.digest, n.names
    FROM (SELECT id, digest FROM blob WHERE corrupt_at IS NOT NULL ORDER BY id LIMIT ${SHOWN}) b
    ${namesOf('m.id IN (SELECT manifest_id FROM manifest_blob WHERE blob_id = b.id)')})
   UNION ALL
   (SELECT 'manifest', c.digest, n.names
    FROM (SELECT digest FROM manifest_content WHERE corrupt_at IS NOT NULL ORDER BY digest LIMIT ${SHOWN}) c
    ${namesOf('m.digest = c.digest')})
   LIMIT ${SHOWN}`,
)

interface CorruptItem {
  kind: 'blob' | 'manifest'
  digest: string
  /** Artifacts it is in, `library/app@sha256:…`, one more than are shown. */
  names: string[]
}

/** How many blobs and manifests are marked as corrupt. */
export async function countCorrupted(queries: Queries): Promise<number> {
  return (await queries.find(countCorrupt))?.n ?? 0
}

/** The first thousand of them, with artifacts they are in. */
export async function listCorrupted(queries: Queries): Promise<{ what: string; name: string; why: string }[]> {
  const items = await queries.run(listItems)
  return items.map(({ kind, digest, names }) => ({ what: kind, name: digest, why: whereabouts(names) }))
}

function whereabouts(names: readonly string[]): string {
  if (names.length === 0) return 'corrupt; in no artifact'
  const more = names.length > NAMES ? ' and others' : ''
  return `corrupt; in ${names.slice(0, NAMES).join(', ')}${more}`
}
