import { type Database, type Queries, statement } from '@berth/db'
import { Conflict, NotFound } from '@berth/errors'
import { artifactUnknown, findArtifact, holdJudged, type JudgedRepository } from '../search/index.ts'

const BATCH = 1_000

const holdManifest = statement('label-hold-manifest', 'SELECT id FROM manifest WHERE id = $1 FOR KEY SHARE')
const attach = statement(
  'label-attach',
  'INSERT INTO artifact_label (manifest_id, label_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING manifest_id',
)
const detach = statement(
  'label-detach',
  'DELETE FROM artifact_label WHERE manifest_id = $1 AND label_id = $2 RETURNING manifest_id',
)
const purge = statement(
  'label-purge',
  `DELETE FROM artifact_label WHERE (manifest_id, label_id) IN (
     SELECT manifest_id, label_id FROM artifact_label WHERE label_id = $1
     ORDER BY manifest_id LIMIT ${BATCH} FOR UPDATE
   ) RETURNING manifest_id`,
)

interface Labelled extends JudgedRepository {
  reference: string
  labelId: number
}

/**
 * Puts a label on an artifact; answers its id.
 *
 * @throws {NotFound} no such repository or artifact
 * @throws {Conflict} it has this label
 * @throws {Denied} nothing may be changed
 */
export async function attachLabel(database: Database, asked: Labelled): Promise<number> {
  return database.transaction(async (tx) => {
    const id = await heldArtifact(tx, asked)
    const attached = await tx.find(attach, [id, asked.labelId])
    if (attached === undefined) throw new Conflict(`label ${asked.labelId} is already added to the artifact ${id}`)
    return id
  })
}

/** Takes a label off an artifact; answers its id. @throws {NotFound} no such repository or artifact, or without it */
export async function detachLabel(database: Database, asked: Labelled): Promise<number> {
  return database.transaction(async (tx) => {
    const id = await heldArtifact(tx, asked)
    const detached = await tx.find(detach, [id, asked.labelId])
    if (detached === undefined) {
      throw new NotFound(`reference with label ${asked.labelId} and artifact ${id} not found`)
    }
    return id
  })
}

/** Takes a label off every artifact, in batches, until it is off all of them or `ms` have passed. */
export async function purgeLabel(
  database: Database,
  labelId: number,
  ms: number,
): Promise<{ detached: number; done: boolean }> {
  const until = performance.now() + ms
  let detached = 0
  for (;;) {
    const gone = await database.run(purge, [labelId])
    detached += gone.length
    if (gone.length < BATCH) return { detached, done: true }
    if (performance.now() > until) return { detached, done: false }
  }
}

/** Held, so that a delete of the artifact waits. */
async function heldArtifact(tx: Queries, asked: Labelled): Promise<number> {
  const found = await holdJudged(tx, asked)
  const { id } = await findArtifact(tx, found, asked.reference)
  if ((await tx.find(holdManifest, [id])) === undefined) throw artifactUnknown(found.repository_name, asked.reference)
  return id
}
