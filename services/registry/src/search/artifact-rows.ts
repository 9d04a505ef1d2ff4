import { type Queries, statement } from '@berth/db'
import type { RepositoryName } from '@berth/oci'
import type { AccessoryFacts, ArtifactFacts } from '@berth/types'
import { additionsOf } from '../artifact/index.ts'
import { isImmutable, type RuleFacts } from '../policy/index.ts'

interface Row {
  id: number
  project_id: number
  repository_id: number
  repository: RepositoryName
  digest: string
  kind: string
  media_type: string
  config_media_type: string | null
  artifact_type: string | null
  subject_digest: string | null
  total_size: number
  size: number
  icon: string | null
  pushed_at: Date
  pulled_at: Date | null
  pull_count: number
  extra_attrs: Record<string, unknown> | null
  annotations: Record<string, unknown> | null
  /** One of the two was too long. */
  is_cut: boolean
  accessory_type: string | null
  accessory_of: string | null
  tags: { id: number; name: string; pushed_at: string; pulled_at: string | null }[]
  tag_count: number
  labels: number[]
  accessories: AccessoryRow[]
  accessory_count: number
  inherited: (AccessoryRow & { subject_id: number; subject_digest: string })[]
  children: {
    child_id: number
    digest: string
    platform: Record<string, unknown> | null
    annotations: Record<string, unknown> | null
    urls: string[] | null
  }[]
  child_count: number
  verdicts: {
    scanner: string
    severity: string
    summary: Record<string, unknown> | null
    revision: number
    scanned_at: string
  }[]
}

interface AccessoryRow {
  id: number
  digest: string
  accessory_type: string
  total_size: number
  icon: string | null
  pushed_at: string
}

/** How much of what an artifact has many of is told with it. */
export interface Depth {
  tags: number
  accessories: number
  children: number
  /** Attributes and annotations beyond are left out. */
  bytes: number
}
export const IN_LISTS: Depth = { tags: 100, accessories: 50, children: 100, bytes: 32_768 }
export const ALONE: Depth = { tags: 1_000, accessories: 500, children: 1_000, bytes: 262_144 }

/** JSON of whoever pushed it, `NULL` where it is longer: a page of the longest would not fit into memory. */
const atMost = (bytes: string, column: string) =>
  `CASE WHEN octet_length(${column}::text) <= ${bytes} THEN ${column} END`
const isLonger = (bytes: string, column: string) => `coalesce(octet_length(${column}::text) > ${bytes}, false)`

/** The rows of a sorted subquery as JSON, in its order. */
const list = (columns: string, from: string, order: string, limit: string) =>
  `(SELECT coalesce(json_agg(x), '[]') FROM (SELECT ${columns} FROM ${from} ORDER BY ${order} LIMIT ${limit}) x)`

const TAGS = 'tag t WHERE t.manifest_id = m.id'
const ACCESSORIES = 'manifest a WHERE a.repository_id = m.repository_id AND a.accessory_of = m.digest'
// Of the indexes that name it.
const INHERITED = `manifest_child c JOIN manifest i ON i.id = c.parent_id
  JOIN manifest a ON a.repository_id = i.repository_id AND a.accessory_of = i.digest WHERE c.child_id = m.id`
const CHILDREN = 'manifest_child c JOIN manifest k ON k.id = c.child_id WHERE c.parent_id = m.id'
const CHILD = `c.child_id, k.digest, ${atMost('1024', 'c.platform')} AS platform,
  ${atMost('1024', 'c.annotations')} AS annotations, ${atMost('1024', 'c.urls')} AS urls`
const ACCESSORY = 'a.id, a.digest, a.accessory_type, a.total_size, a.icon, a.pushed_at'
const VERDICTS = 'artifact_verdict v WHERE v.manifest_id = m.id'
const VERDICT = `v.scanner, v.severity, ${atMost('16384', 'v.summary')} AS summary, v.revision, v.scanned_at`

const NONE = `'[]'::json`

/** One statement for a page, whatever its artifacts have; each list in it is found by an index. */
const rowsSql = ({ isBrief }: { isBrief: boolean }): string =>
  `SELECT m.id, r.project_id, m.repository_id, r.name AS repository, m.digest, m.kind,
     left(m.media_type, 255) AS media_type, left(m.config_media_type, 255) AS config_media_type,
     left(m.artifact_type, 255) AS artifact_type, m.subject_digest, m.total_size, m.size, m.icon, m.pushed_at, m.pulled_at,
     m.pull_count, ${atMost('$5', 'm.extra_attrs')} AS extra_attrs, ${atMost('$5', 'm.annotations')} AS annotations,
     ${isLonger('$5', 'm.extra_attrs')} OR ${isLonger('$5', 'm.annotations')} AS is_cut, m.accessory_type, m.accessory_of,
     ${list('t.id, t.name, t.pushed_at, t.pulled_at', TAGS, 't.pushed_at DESC, t.id DESC', '$2')} AS tags,
     (SELECT count(*) FROM ${TAGS}) AS tag_count,
     (SELECT coalesce(json_agg(x.label_id), '[]') FROM (
       SELECT label_id FROM artifact_label WHERE manifest_id = m.id ORDER BY label_id LIMIT 100
     ) x) AS labels,
     ${list(ACCESSORY, ACCESSORIES, 'a.id', '$3')} AS accessories,
     (SELECT count(*) FROM ${ACCESSORIES}) AS accessory_count,
     ${isBrief ? NONE : list(`${ACCESSORY}, i.id AS subject_id, i.digest AS subject_digest`, INHERITED, 'a.id', '$3')} AS inherited,
     ${list(CHILD, CHILDREN, 'c.position, c.child_id', '$4')} AS children,
     (SELECT count(*) FROM manifest_child c WHERE c.parent_id = m.id) AS child_count,
     ${isBrief ? NONE : list(VERDICT, VERDICTS, 'v.scanner', '20')} AS verdicts
   FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (id, place)
   JOIN manifest m ON m.id = wanted.id JOIN repository r ON r.id = m.repository_id
   ORDER BY wanted.place`
export const artifactRows = statement<Row>('artifact-rows', rowsSql({ isBrief: false }))
const briefRows = statement<Row>('artifact-rows-brief', rowsSql({ isBrief: true }))

/** Artifacts with all that belongs to them, in the order of `ids`; those deleted meanwhile are left out. */
export async function readArtifacts(
  db: Queries,
  ids: readonly number[],
  rules: RuleFacts,
  depth: Depth,
  { isBrief } = { isBrief: false },
): Promise<ArtifactFacts[]> {
  if (ids.length === 0) return []
  const rows = await db.run(isBrief ? briefRows : artifactRows, [
    ids,
    depth.tags,
    depth.accessories,
    depth.children,
    depth.bytes,
  ])
  return rows.map((row) => toArtifact(row, rules))
}

function toArtifact(row: Row, rules: RuleFacts): ArtifactFacts {
  return {
    id: row.id,
    projectId: row.project_id,
    repositoryId: row.repository_id,
    repository: row.repository,
    digest: row.digest,
    kind: row.kind,
    mediaType: row.media_type,
    configMediaType: row.config_media_type,
    artifactType: row.artifact_type,
    subject: row.subject_digest,
    sizeBytes: row.total_size,
    manifestBytes: row.size,
    icon: row.icon,
    pushedAt: row.pushed_at.toISOString(),
    pulledAt: row.pulled_at?.toISOString() ?? null,
    pullCount: row.pull_count,
    extraAttrs: row.extra_attrs,
    annotations: row.annotations,
    tags: row.tags.map(({ id, name, pushed_at, pulled_at }) => ({
      id,
      repositoryId: row.repository_id,
      artifactId: row.id,
      name,
      digest: row.digest,
      pushedAt: isoTime(pushed_at),
      pulledAt: pulled_at === null ? null : isoTime(pulled_at),
      immutable: isImmutable(rules, row.repository, name),
    })),
    tagCount: row.tag_count,
    labels: row.labels,
    accessories: row.accessories.map((one) => toAccessory(one, row)),
    accessoryCount: row.accessory_count,
    inheritedAccessories: row.inherited.map((one) =>
      toAccessory(one, { id: one.subject_id, digest: one.subject_digest }),
    ),
    references: row.children.map(({ child_id, digest, platform, annotations, urls }) => ({
      parentId: row.id,
      childId: child_id,
      childDigest: digest,
      platform,
      annotations,
      urls,
    })),
    referenceCount: row.child_count,
    verdicts: row.verdicts.map(({ scanner, severity, summary, revision, scanned_at }) => ({
      scanner,
      severity,
      summary,
      revision,
      scannedAt: isoTime(scanned_at),
    })),
    additions: [...additionsOf(row.kind, row.media_type)],
    accessoryType: row.accessory_type,
    accessoryOf: row.accessory_of,
    isTrimmed: row.is_cut,
  }
}

function toAccessory(row: AccessoryRow, subject: { id: number; digest: string }): AccessoryFacts {
  return {
    artifactId: row.id,
    digest: row.digest,
    type: row.accessory_type,
    sizeBytes: row.total_size,
    icon: row.icon,
    createdAt: isoTime(row.pushed_at),
    subjectDigest: subject.digest,
    subjectId: subject.id,
  }
}

/** Postgres writes times in JSON with an offset and microseconds. */
function isoTime(text: string): string {
  return new Date(text).toISOString()
}
