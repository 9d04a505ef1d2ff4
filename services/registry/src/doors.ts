import { type BlobParts, blobDoors, mountBlob, mountOf } from './blob/index.ts'
import { type CatalogStore, catalogDoors } from './catalog/index.ts'
import { answerJson, type Doors } from './http/index.ts'
import { type ManifestParts, manifestDoors } from './manifest/index.ts'
import { type ReferrerStore, referrerDoors } from './referrer/index.ts'
import { type TagStore, tagDoors } from './tag/index.ts'
import { startUpload, type Uploads, uploadDoors } from './upload/index.ts'

/** Every route of `/v2` and what stands behind it. */
export function v2Doors(
  parts: BlobParts &
    ManifestParts & { uploads: Uploads; catalog: CatalogStore; tags: TagStore; referrers: ReferrerStore },
): Doors {
  const base = { handle: (visit: Parameters<typeof answerJson>[0]) => answerJson(visit, {}) }
  const mount = mountBlob(parts)
  const start = startUpload(parts.uploads)
  return {
    base: { GET: base, HEAD: base },
    catalog: catalogDoors(parts.catalog),
    tags: tagDoors(parts.tags, parts.withProject),
    manifest: manifestDoors(parts),
    blob: blobDoors(parts),
    uploads: {
      POST: {
        action: 'push',
        alsoWanted: (query) => {
          const from = mountOf(query)?.from
          return from && { name: from, action: 'pull' }
        },
        handle: async (visit, { name }) => {
          if (!(await mount(visit, name))) await start(visit, name)
        },
      },
    },
    upload: uploadDoors(parts.uploads),
    referrers: referrerDoors(parts.referrers, parts.withProject),
  }
}
