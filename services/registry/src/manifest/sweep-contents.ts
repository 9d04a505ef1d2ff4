import { type Database, statement } from '@berth/db'

const BATCH = 200
/** Nobody who has read that a manifest is there is still about to read its bytes. */
const GRACE = '10 min'

const lock = statement<{ digest: string }>(
  'content-sweep-lock',
  `SELECT digest FROM manifest_content WHERE dropped_at < now() - interval '${GRACE}'
   ORDER BY digest LIMIT $1 FOR UPDATE SKIP LOCKED`,
)
const remove = statement<{ digest: string }>(
  'content-sweep-delete',
  `DELETE FROM manifest_content c
   WHERE c.digest = ANY($1) AND NOT EXISTS (SELECT 1 FROM manifest m WHERE m.digest = c.digest) RETURNING c.digest`,
)
const keep = statement('content-sweep-keep', 'UPDATE manifest_content SET dropped_at = NULL WHERE digest = ANY($1)')

/** Removes the bytes of manifests that are in no repository any more; answers how many. */
export async function sweepContents(database: Database): Promise<number> {
  let removed = 0
  for (;;) {
    const batch = await database.transaction(async (tx) => {
      const digests = (await tx.run(lock, [BATCH])).map((row) => row.digest)
      if (digests.length === 0) return { seen: 0, gone: 0 }
      // A statement of its own sees whoever put one of them before it was locked.
      const gone = await tx.run(remove, [digests])
      await tx.run(keep, [digests])
      return { seen: digests.length, gone: gone.length }
    })
    removed += batch.gone
    if (batch.seen < BATCH) return removed
  }
}
