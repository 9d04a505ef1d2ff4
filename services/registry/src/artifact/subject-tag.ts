import { type Queries, statement } from '@berth/db'
import type { Digest } from '@berth/oci'
import { accessoryOf, namesSubject } from './accessory.ts'
import { readManifest } from './read-manifest.ts'

const read = statement<{ digest: Digest; media_type: string; bytes: Buffer }>(
  'subject-tag-read',
  `SELECT m.digest, m.media_type, c.bytes FROM manifest m JOIN manifest_content c ON c.digest = m.digest WHERE m.id = $1`,
)
const attach = statement(
  'subject-tag-attach',
  'UPDATE manifest SET accessory_type = $2, accessory_of = $3 WHERE id = $1 AND accessory_type IS NULL',
)

/**
 * Makes a locked manifest the accessory its new tag says it is, if it does: `sha256-<hex>.sig` and the like. To be
 * called before it is said anew whether lists show it.
 */
export async function noteTag(tx: Queries, manifestId: number, tag: string): Promise<void> {
  if (!namesSubject(tag)) return
  const row = await tx.find(read, [manifestId])
  const accessory = row && accessoryOf(readManifest(row.bytes, row.media_type), row.digest, [tag])
  if (accessory) await tx.run(attach, [manifestId, accessory.type, accessory.of])
}
