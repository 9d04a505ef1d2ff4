import { type Database, type Queries, statement } from '@berth/db'
import type { Digest } from '@berth/oci'
import type { Accessory } from './accessory.ts'
import type { ArtifactFacts, ChildFacts } from './facts.ts'
import type { BlobPlace } from './read-blob.ts'
import { lockManifests, refreshShown } from './shown.ts'

/** A manifest whose facts have not been found yet. */
export interface Unfilled {
  id: number
  repository_id: number
  digest: Digest
  media_type: string
  bytes: Buffer
  /** Nothing has ever been said of it: it was put before there were facts, or taken over from another registry. */
  is_new: boolean
}

/** What has been found out; `accessory` follows from the tags it has when it is written down. */
export interface Found {
  unfilled: Unfilled
  facts: Omit<ArtifactFacts, 'accessory'>
  /** JSON. */
  annotations: string | null
  attributes: string | null
  icon: Digest | null
  /** By digest; of an index. */
  children?: ReadonlyMap<string, ChildFacts>
  accessoryBy: (tags: readonly string[]) => Accessory | undefined
}

const list = statement<Unfilled>(
  'facts-list',
  `SELECT w.id, w.repository_id, w.digest, w.media_type, w.is_new, c.bytes FROM (
     SELECT *, sum(size) OVER (ORDER BY id) - size AS before FROM (
       SELECT id, repository_id, digest, media_type, size, total_size = 0 AS is_new FROM manifest
       WHERE facts_at IS NULL AND id > $1 ORDER BY id LIMIT $2
     ) waiting
   ) w JOIN manifest_content c ON c.digest = w.digest
   WHERE w.before < $3 ORDER BY w.id`,
)
const findBlobs = statement<BlobPlace & { manifest_id: number }>(
  'facts-blobs',
  `SELECT mb.manifest_id, b.digest, b.size, b.storage_key
   FROM unnest($1::bigint[], $2::text[]) w (manifest_id, digest)
   JOIN manifest_blob mb ON mb.manifest_id = w.manifest_id
   JOIN blob b ON b.id = mb.blob_id AND b.digest = w.digest AND b.corrupt_at IS NULL`,
)
const findChild = statement<{ id: number; media_type: string; bytes: Buffer }>(
  'facts-child',
  `SELECT m.id, m.media_type, c.bytes FROM manifest m JOIN manifest_content c ON c.digest = m.digest
   WHERE m.repository_id = $1 AND m.digest = $2`,
)
const listChildren = statement<{ child_id: number }>(
  'facts-children',
  'SELECT DISTINCT child_id FROM manifest_child WHERE parent_id = ANY($1)',
)
const listTags = statement<{ manifest_id: number; name: string }>(
  'facts-tags',
  `SELECT manifest_id, name FROM tag WHERE manifest_id = ANY($1) AND name LIKE 'sha256-%'`,
)
const write = statement(
  'facts-write',
  `UPDATE manifest m SET kind = f.kind, config_digest = f.config_digest, config_media_type = f.config_media_type,
     total_size = CASE WHEN f.is_index THEN m.total_size ELSE f.own_bytes END, annotations = f.annotations,
     extra_attrs = f.attributes, icon = f.icon, accessory_type = coalesce(f.accessory_type, m.accessory_type),
     accessory_of = coalesce(f.accessory_of, m.accessory_of), facts_at = now()
   FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::json[], $7::json[], $8::text[],
     $9::text[], $10::text[], $11::boolean[])
     f (id, kind, config_digest, config_media_type, own_bytes, annotations, attributes, icon,
       accessory_type, accessory_of, is_index)
   WHERE m.id = f.id`,
)
const writeChildren = statement(
  'facts-write-children',
  `UPDATE manifest_child mc SET position = f.position, platform = f.platform, annotations = f.annotations, urls = f.urls
   FROM unnest($2::text[], $3::int[], $4::json[], $5::json[], $6::json[])
     f (digest, position, platform, annotations, urls), manifest c
   WHERE mc.parent_id = $1 AND c.id = mc.child_id AND c.digest = f.digest`,
)
// A total that changes changes those of the indexes above, which are found anew.
const writeTotal = statement(
  'facts-write-total',
  `WITH total AS (
     SELECT least(9007199254740991, $2::bigint
       + coalesce((SELECT sum(c.total_size) FROM manifest_child mc JOIN manifest c ON c.id = mc.child_id
         WHERE mc.parent_id = $1), 0)
       + coalesce((SELECT sum(b.size) FROM manifest_blob mb JOIN blob b ON b.id = mb.blob_id
         WHERE mb.manifest_id = $1), 0)
     )::bigint AS bytes
   )
   UPDATE manifest SET total_size = total.bytes FROM total WHERE id = $1 AND total_size <> total.bytes`,
)
const forgetParents = statement(
  'facts-forget-parents',
  `UPDATE manifest SET facts_at = NULL
   WHERE facts_at IS NOT NULL AND id IN (SELECT parent_id FROM manifest_child WHERE child_id = ANY($1))`,
)

export interface FillerStore {
  /** Those after `last`, by id: at most `limit` and, but for the first one, so many bytes of them. */
  list(last: number, limit: number, bytes: number): Promise<Unfilled[]>
  /** Where blobs are that manifests name; those that are not there are left out. */
  findBlobs(wanted: readonly { id: number; digest: string }[]): Promise<(BlobPlace & { manifest_id: number })[]>
  findChild(
    repositoryId: number,
    digest: string,
  ): Promise<{ id: number; media_type: string; bytes: Buffer } | undefined>
  /** Writes facts down, and says anew whether lists show what they are about. */
  write(found: readonly Found[]): Promise<void>
}

export function fillerStore(database: Database): FillerStore {
  return {
    list: (last, limit, bytes) => database.run(list, [last, limit, bytes]),
    findBlobs: async (wanted) =>
      wanted.length === 0
        ? []
        : database.run(findBlobs, [wanted.map(({ id }) => id), wanted.map(({ digest }) => digest)]),
    findChild: (repositoryId, digest) => database.find(findChild, [repositoryId, digest]),
    write: (found) => database.transaction((tx) => writeFound(tx, found)),
  }
}

async function writeFound(tx: Queries, found: readonly Found[]): Promise<void> {
  const indexes = found.filter(({ children }) => children !== undefined)
  const fresh = found.filter(({ unfilled }) => unfilled.is_new).map(({ unfilled }) => unfilled.id)
  const freshIndexes = indexes.filter(({ unfilled }) => unfilled.is_new).map(({ unfilled }) => unfilled.id)
  const children = freshIndexes.length === 0 ? [] : await tx.run(listChildren, [freshIndexes])
  const ids = new Set([...found.map(({ unfilled }) => unfilled.id), ...children.map(({ child_id }) => child_id)])
  const locked = await lockManifests(tx, [...ids])
  const tags = Map.groupBy(await tx.run(listTags, [locked]), (tag) => tag.manifest_id)
  await tx.run(write, columnsOf(found, tags))
  for (const { unfilled, facts, children: said } of indexes) {
    if (unfilled.is_new && said !== undefined) await tx.run(writeChildren, [unfilled.id, ...childColumns(said)])
    await tx.run(writeTotal, [unfilled.id, facts.ownBytes])
  }
  if (fresh.length > 0) await tx.run(forgetParents, [fresh])
  await refreshShown(tx, locked)
}

function columnsOf(found: readonly Found[], tags: ReadonlyMap<number, { name: string }[]>): unknown[] {
  const rows = found.map(({ unfilled: { id }, facts, annotations, attributes, icon, children, accessoryBy }) => {
    const accessory = accessoryBy((tags.get(id) ?? []).map(({ name }) => name))
    return [
      id,
      facts.kind,
      facts.configDigest ?? null,
      facts.configMediaType ?? null,
      facts.ownBytes,
      annotations,
      attributes,
      icon,
      accessory?.type ?? null,
      accessory?.of ?? null,
      children !== undefined,
    ]
  })
  return Array.from({ length: 11 }, (_, column) => rows.map((row) => row[column]))
}

function childColumns(said: ReadonlyMap<string, ChildFacts>): unknown[] {
  const facts = [...said.values()]
  return [
    [...said.keys()],
    facts.map(({ position }) => position),
    facts.map(({ platform }) => platform),
    facts.map(({ annotations }) => annotations),
    facts.map(({ urls }) => urls),
  ]
}
