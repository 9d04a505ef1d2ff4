import { type Database, type Queries, statement } from '@berth/db'
import { namesSubject, refreshShown } from '../artifact/index.ts'
import { isImmutable, RULE_FACTS, type RuleFacts } from '../policy/index.ts'
import { enter, type Place } from './adopt-manifest.ts'
import type { BroughtTag } from './tag-source.ts'

const lockManifests = statement<{ id: number; digest: string; pushed_at: Date }>(
  'adopt-lock-manifests',
  // Not one condition with OR in it, for which Postgres reads every manifest there is.
  `WITH place AS (SELECT id FROM repository WHERE project_id = $1 AND name = $2)
   SELECT m.id, m.digest, m.pushed_at FROM manifest m WHERE m.id IN (
     SELECT id FROM manifest WHERE repository_id = (SELECT id FROM place) AND digest = ANY($3)
     UNION ALL
     SELECT manifest_id FROM tag WHERE repository_id = (SELECT id FROM place) AND name = ANY($4)
   )
   ORDER BY m.id FOR NO KEY UPDATE OF m`,
)
const findRules = statement<RuleFacts>(
  'adopt-find-rules',
  `SELECT p.id AS project_id, ${RULE_FACTS} FROM project p WHERE p.id = $1`,
)
const lockTags = statement<{ name: string; manifest_id: number; pushed_at: Date }>(
  'adopt-lock-tags',
  `SELECT t.name, t.manifest_id, t.pushed_at FROM tag t JOIN repository r ON r.id = t.repository_id
   WHERE r.project_id = $1 AND r.name = $2 AND t.name = ANY($3) ORDER BY t.name FOR NO KEY UPDATE OF t`,
)
// The newer one of two counts: what was tagged here since stays, what was tagged there since moves.
const setTags = statement<{ name: string }>(
  'adopt-set-tags',
  `INSERT INTO tag (repository_id, name, manifest_id, revision, pushed_at, pulled_at)
   SELECT m.repository_id, t.name, t.manifest_id, nextval('revision'), least(t.pushed_at, now()), t.pulled_at
   FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::timestamptz[])
     AS t (name, manifest_id, pushed_at, pulled_at)
   JOIN manifest m ON m.id = t.manifest_id ORDER BY t.name
   ON CONFLICT (repository_id, name) DO UPDATE
     SET manifest_id = EXCLUDED.manifest_id, revision = EXCLUDED.revision, pushed_at = EXCLUDED.pushed_at
     WHERE tag.pushed_at < EXCLUDED.pushed_at
   RETURNING name`,
)
// A tag may say what its manifest is an accessory of.
const lookAgain = statement('adopt-look-again', 'UPDATE manifest SET facts_at = NULL WHERE id = ANY($1)')
const release = statement<{ id: number }>(
  'adopt-release',
  `UPDATE manifest SET adopted_at = NULL WHERE id IN (
     SELECT m.id FROM manifest m JOIN repository r ON r.id = m.repository_id
     WHERE r.name = $1 AND m.adopted_at IS NOT NULL AND ($2 OR EXISTS (SELECT 1 FROM tag WHERE manifest_id = m.id))
     ORDER BY m.id LIMIT $3 FOR NO KEY UPDATE OF m
   ) RETURNING id`,
)
const countKept = statement<{ count: number }>(
  'adopt-count-kept',
  `SELECT count(*) AS count FROM manifest m JOIN repository r ON r.id = m.repository_id
   WHERE r.name = $1 AND m.adopted_at IS NOT NULL`,
)
const releaseAll = statement<{ id: number }>(
  'adopt-release-all',
  `UPDATE manifest SET adopted_at = NULL WHERE id IN (
     SELECT id FROM manifest WHERE adopted_at IS NOT NULL ORDER BY id LIMIT $1 FOR NO KEY UPDATE
   ) RETURNING id`,
)

const BATCH = 500

/**
 * Sets tags, each name once, that name manifests of the repository; answers those whose manifest is not here, and those
 * that a rule of the project keeps where they are.
 */
export async function adoptTags(
  database: Database,
  place: Place,
  tags: readonly BroughtTag[],
): Promise<{ orphans: BroughtTag[]; immutable: BroughtTag[] }> {
  return database.transaction(async (tx) => {
    const projectId = await enter(tx, place)
    const digests = [...new Set(tags.map(({ digest }) => digest))]
    const names = tags.map(({ name }) => name)
    const held = await tx.run(lockManifests, [projectId, place.name, digests, names])
    const manifests = new Map(held.map((row) => [row.digest, row]))
    const immutable = await immutableOf(tx, projectId, place, tags, manifests)
    const here = tags.filter((tag) => manifests.has(tag.digest) && !immutable.includes(tag))
    if (here.length > 0) {
      await tx.run(setTags, [
        here.map(({ name }) => name),
        here.map(({ digest }) => manifests.get(digest)?.id),
        here.map((tag) => timeOf(tag, manifests)),
        here.map(({ pulledAt }) => pulledAt ?? null),
      ])
      const accessories = here.filter(({ name }) => namesSubject(name))
      await tx.run(lookAgain, [accessories.map(({ digest }) => manifests.get(digest)?.id)])
      await refreshShown(
        tx,
        held.map(({ id }) => id),
      )
    }
    return { orphans: tags.filter(({ digest }) => !manifests.has(digest)), immutable }
  })
}

type Manifests = ReadonlyMap<string, { id: number; pushed_at: Date }>

/** Those that would move a tag a rule of the project keeps. */
async function immutableOf(
  tx: Queries,
  projectId: number,
  { name }: Place,
  tags: readonly BroughtTag[],
  manifests: Manifests,
): Promise<BroughtTag[]> {
  const rules = await tx.find(findRules, [projectId])
  if (rules === undefined || rules.immutability_rules === null) return []
  const held = await tx.run(lockTags, [projectId, name, tags.map((tag) => tag.name)])
  const byName = new Map(held.map((tag) => [tag.name, tag]))
  return tags.filter((tag) => {
    const there = byName.get(tag.name)
    const to = manifests.get(tag.digest)
    const moves = there !== undefined && to !== undefined && there.manifest_id !== to.id
    return moves && there.pushed_at < (timeOf(tag, manifests) ?? 0) && isImmutable(rules, name, tag.name)
  })
}

function timeOf({ pushedAt, digest }: BroughtTag, manifests: Manifests): Date | undefined {
  return pushedAt ?? manifests.get(digest)?.pushed_at
}

/**
 * Takes the mark of an unknown tag from manifests of a repository: from those that have a tag or, when all tags are
 * known, from all. Answers how many keep it.
 */
export async function releaseKnown(database: Database, place: Place, areAllKnown: boolean): Promise<number> {
  while ((await database.run(release, [place.name, areAllKnown, BATCH])).length === BATCH);
  return (await database.find(countKept, [place.name]))?.count ?? 0
}

/** What was taken over without a tag is from now on as untagged as anything else; answers how many. */
export async function releaseUntagged(database: Database): Promise<number> {
  let released = 0
  for (;;) {
    const batch = await database.run(releaseAll, [BATCH])
    released += batch.length
    if (batch.length < BATCH) return released
  }
}
