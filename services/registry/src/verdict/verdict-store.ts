import { type Database, statement } from '@berth/db'
import type { RequestOf, verdictSet } from '@berth/types'
import { artifactUnknown, findArtifact, findJudged } from '../search/index.ts'

const holdManifest = statement('verdict-hold-manifest', 'SELECT id FROM manifest WHERE id = $1 FOR KEY SHARE')
const put = statement<{ revision: number }>(
  'verdict-put',
  `INSERT INTO artifact_verdict AS v (manifest_id, scanner, severity, summary, cves, revision, scanned_at)
   VALUES ($1, $2, $3, $4, $5, $6, $7)
   ON CONFLICT (manifest_id, scanner) DO UPDATE SET severity = EXCLUDED.severity, summary = EXCLUDED.summary,
     cves = EXCLUDED.cves, revision = EXCLUDED.revision, scanned_at = EXCLUDED.scanned_at
   WHERE v.revision < EXCLUDED.revision
   RETURNING revision`,
)
const readRevision = statement<{ revision: number }>(
  'verdict-revision',
  'SELECT revision FROM artifact_verdict WHERE manifest_id = $1 AND scanner = $2',
)

/**
 * Puts what a scanner found in an artifact in force, unless something newer of it is; answers the revision in force.
 * The next pull is judged by it, on every replica.
 *
 * @throws {NotFound} no such repository or artifact
 */
export async function setVerdict(database: Database, asked: RequestOf<typeof verdictSet>): Promise<number> {
  const found = await findJudged(database, asked)
  const { id } = await findArtifact(database, found, asked.digest)
  return database.transaction(async (tx) => {
    if ((await tx.find(holdManifest, [id])) === undefined) throw artifactUnknown(found.repository_name, asked.digest)
    const row = await tx.find(put, [
      id,
      asked.scanner,
      asked.severity,
      asked.summary === null ? null : JSON.stringify(asked.summary),
      JSON.stringify(asked.cves),
      asked.revision,
      asked.scannedAt,
    ])
    const inForce = row ?? (await tx.find(readRevision, [id, asked.scanner]))
    return inForce?.revision ?? asked.revision
  })
}
