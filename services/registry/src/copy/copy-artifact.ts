import { type Database, statement } from '@berth/db'
import { type Digest, parseManifest, type RepositoryName, requireSupported, type Tag } from '@berth/oci'
import { type ManifestParts, NO_PROJECT, putManifest } from '../manifest/index.ts'
import { isImmutable, TagImmutable } from '../policy/index.ts'
import { type ProjectStore, requireRoom, type WithProject } from '../project/index.ts'
import {
  admitJudged,
  artifactUnknown,
  findArtifact,
  findJudged,
  findTarget,
  type JudgedRepository,
  nameOf,
} from '../search/index.ts'
import { planCopy, type Step } from './copy-plan.ts'

/** So many tags are set in one transaction. */
const TAGS = 100

const listElsewhere = statement<{ name: string }>(
  'copy-tags-elsewhere',
  `SELECT t.name FROM tag t JOIN manifest m ON m.id = t.manifest_id
   WHERE t.repository_id = $1 AND t.name = ANY($2) AND m.digest <> $3 ORDER BY t.name`,
)
const sumAdded = statement<{ bytes: number }>(
  'copy-added',
  `SELECT coalesce(sum(b.size), 0)::bigint AS bytes FROM blob b
   WHERE b.id IN (SELECT blob_id FROM manifest_blob WHERE manifest_id = ANY($1) AND project_id <> ${NO_PROJECT})
     AND NOT EXISTS (SELECT 1 FROM project_blob pb WHERE pb.project_id = $2 AND pb.blob_id = b.id)`,
)
const linkBlobs = statement(
  'copy-link-blobs',
  `INSERT INTO repository_blob (repository_id, blob_id)
   SELECT r.id, b.id FROM manifest_blob mb JOIN blob b ON b.id = mb.blob_id
   JOIN repository r ON r.project_id = $2 AND r.name = $3
   WHERE mb.manifest_id = $1 ORDER BY b.id FOR KEY SHARE OF b
   ON CONFLICT DO NOTHING`,
)
const copyVerdicts = statement(
  'copy-verdicts',
  `INSERT INTO artifact_verdict (manifest_id, scanner, severity, summary, cves, revision, scanned_at)
   SELECT m.id, v.scanner, v.severity, v.summary, v.cves, v.revision, v.scanned_at
   FROM artifact_verdict v, repository r JOIN manifest m ON m.repository_id = r.id AND m.digest = $4
   WHERE v.manifest_id = $1 AND r.project_id = $2 AND r.name = $3
   FOR KEY SHARE OF m
   ON CONFLICT DO NOTHING`,
)

export interface CopyParts {
  database: Database
  manifests: Pick<ManifestParts['manifests'], 'readContent'>
  projects: Pick<ProjectStore, 'ensureRepository'>
  withProject: WithProject
}

interface Wish {
  from: JudgedRepository & { reference: string }
  to: JudgedRepository
  actor?: string
}

/**
 * Copies an artifact with its tags, children and accessories, a transaction for each manifest, the artifact itself
 * last, until it is done or `ms` have passed; asked again it goes on. No byte is moved: the target is linked to the
 * blobs, and the manifest is put as if somebody pushed it, with quota, immutable tags and events.
 *
 * @throws {NotFound} no such source, or no project to copy to
 * @throws {Denied} an accessory by itself; over quota; nothing may be changed there
 * @throws {TagImmutable} a rule of the target keeps one of the tags where it is
 * @throws {MethodNotAllowed} onto a proxy project
 */
export async function copyArtifact(
  parts: CopyParts,
  wish: Wish,
  ms: number,
): Promise<{ digest: string; copied: number; done: boolean }> {
  const until = performance.now() + ms
  const { database, withProject } = parts
  const name = nameOf(wish.to)
  const source = await findJudged(database, wish.from)
  const artifact = await findArtifact(database, source, wish.from.reference)
  const target = await withProject(name, () => findTarget(database, wish.to))
  const plan = await planCopy(
    database,
    { repositoryId: source.repository_id, manifestId: artifact.id },
    target.repository_id,
  )
  await refuseEarly(parts, target, name, plan)
  let copied = 0
  for (const step of plan) {
    if (performance.now() > until) return { digest: artifact.digest, copied, done: false }
    await copyOne(parts, wish, step, name)
    copied++
  }
  return { digest: artifact.digest, copied, done: true }
}

/** Says before anything is done what some later step would be refused for. @throws {Denied}, {TagImmutable} */
async function refuseEarly(
  { database }: CopyParts,
  target: Awaited<ReturnType<typeof findTarget>>,
  name: RepositoryName,
  plan: readonly Step[],
): Promise<void> {
  const added = await database.find(sumAdded, [plan.map(({ id }) => id), target.project_id])
  requireRoom(target, added?.bytes ?? 0)
  if (target.repository_id === null || target.immutability_rules === null) return
  for (const { tags, digest } of plan) {
    const moved = tags.length === 0 ? [] : await database.run(listElsewhere, [target.repository_id, tags, digest])
    const kept = moved.find((tag) => isImmutable(target, name, tag.name))
    if (kept !== undefined) throw TagImmutable.updated(kept.name)
  }
}

async function copyOne(
  { database, manifests, projects }: CopyParts,
  { from, to, actor }: Wish,
  step: Step,
  name: RepositoryName,
): Promise<void> {
  const digest = requireSupported(step.digest as Digest)
  const bytes = await manifests.readContent(digest)
  if (bytes === undefined) throw artifactUnknown(from.repository, from.reference)
  const manifest = parseManifest(bytes, step.mediaType)
  await projects.ensureRepository(to.project.id, name)
  await database.run(linkBlobs, [step.id, to.project.id, name])
  for (const tags of inBatches(step.tags)) {
    await putManifest(database, { name, digest, bytes, manifest, tags, actor }, admitJudged(to.project))
  }
  await database.run(copyVerdicts, [step.id, to.project.id, name, digest])
}

/** One batch at least, for what has no tag. */
function inBatches(tags: readonly string[]): Tag[][] {
  const count = Math.max(1, Math.ceil(tags.length / TAGS))
  return Array.from({ length: count }, (_, n) => tags.slice(n * TAGS, (n + 1) * TAGS) as Tag[])
}
