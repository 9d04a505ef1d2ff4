import { adHoc, type Database } from '@berth/db'
import { NotFound } from '@berth/errors'
import type { VisibleProjects } from '@berth/types'
import {
  AdditionTooLarge,
  type BlobPlace,
  type IconType,
  iconTypeOf,
  MAX_ADDITION_BYTES,
  readSmallBlob,
} from '../artifact/index.ts'
import { visibleSql } from '../search/index.ts'
import type { Storage } from '../storage/index.ts'

/**
 * The picture an artifact of one of these projects says is its icon. Other blobs are not read, whatever their digest.
 *
 * @throws {NotFound} no such artifact, or the picture is not there
 * @throws {AdditionTooLarge} it would not fit an answer
 */
export async function readIcon(
  database: Database,
  storage: Storage,
  { digest, projects }: { digest: string; projects: VisibleProjects },
): Promise<{ contentType: IconType; bytes: Buffer }> {
  const values: unknown[] = [digest]
  const place = digest.includes('\0')
    ? undefined
    : await database.find(
        adHoc<BlobPlace>(
          `SELECT b.digest, b.size, b.storage_key
           FROM manifest m JOIN repository r ON r.id = m.repository_id AND r.listed
             JOIN project p ON p.id = r.project_id AND p.state IN ('open', 'deleting')
             JOIN manifest_blob mb ON mb.manifest_id = m.id
             JOIN blob b ON b.id = mb.blob_id AND b.digest = m.icon AND b.corrupt_at IS NULL
           WHERE m.icon = $1 AND ${visibleSql(projects, values)} LIMIT 1`,
        ),
        values,
      )
  if (place === undefined) throw iconUnknown()
  if (place.size > MAX_ADDITION_BYTES) throw new AdditionTooLarge(`the icon has more than ${MAX_ADDITION_BYTES} bytes`)
  const bytes = await readSmallBlob(storage, place)
  const contentType = bytes && iconTypeOf(bytes)
  if (bytes === undefined || contentType === undefined) throw iconUnknown()
  return { contentType, bytes }
}

function iconUnknown(): NotFound {
  return new NotFound('no such icon')
}
