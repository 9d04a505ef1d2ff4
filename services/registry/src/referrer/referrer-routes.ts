import { MEDIA_TYPE } from '@berth/oci'
import { answerBytes, type Door, grantOf, linkToNext, type RouteOf } from '../http/index.ts'
import { admit, type WithProject } from '../project/index.ts'
import type { Referrer, ReferrerStore } from './referrer-store.ts'

const PAGE = 500
const PAGE_BYTES = 3 * 1024 * 1024

/** `GET …/referrers/<digest>`: an index of what names the digest as its subject; empty rather than 404. */
export function referrerDoors(
  referrers: ReferrerStore,
  withProject: WithProject,
): Record<'GET', Door<RouteOf<'referrers'>>> {
  return {
    GET: {
      action: 'pull',
      async handle(visit, { name, digest }) {
        const grant = grantOf(visit.caller, name, 'pull')
        const { repository_id: repositoryId } = await withProject(name, async () =>
          admit(await referrers.findRepository(name), grant),
        )
        const artifactType = filterOf(visit.query)
        const after = cursorOf(visit.query)
        const rows =
          repositoryId === null
            ? []
            : await referrers.list(repositoryId, digest, { after, artifactType, limit: PAGE + 1 })
        const { manifests, lastId } = pageOf(rows)
        const body = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests }
        answerBytes(visit, 200, Buffer.from(JSON.stringify(body)), {
          'content-type': MEDIA_TYPE.ociIndex,
          ...(artifactType !== undefined && { 'oci-filters-applied': 'artifactType' }),
          ...(lastId !== undefined && {
            link: linkToNext(`${visit.base}/v2/${name}/referrers/${digest}`, {
              ...(artifactType !== undefined && { artifactType }),
              after: lastId,
            }),
          }),
        })
      },
    },
  }
}

function filterOf(query: URLSearchParams): string | undefined {
  const asked = query.get('artifactType')
  // No artifact type holds a NUL, and Postgres takes no text with one.
  return asked === null || asked === '' ? undefined : asked.replaceAll('\0', '')
}

/** Ours alone, handed out in `Link`; what cannot be read starts from the beginning. */
function cursorOf(query: URLSearchParams): number {
  const after = query.get('after') ?? ''
  return /^\d{1,15}$/.test(after) ? Number(after) : 0
}

/** As many as fit into a page; `lastId` is set when there are more. */
function pageOf(rows: readonly Referrer[]): { manifests: unknown[]; lastId?: number } {
  const manifests: unknown[] = []
  let bytes = 0
  for (const [index, row] of rows.entries()) {
    const entry = {
      mediaType: row.media_type,
      digest: row.digest,
      size: row.size,
      ...(row.artifact_type !== null && { artifactType: row.artifact_type }),
      ...(row.annotations !== null && Object.keys(row.annotations).length > 0 && { annotations: row.annotations }),
    }
    bytes += JSON.stringify(entry).length
    if (index === PAGE || (bytes > PAGE_BYTES && index > 0)) return { manifests, lastId: rows[index - 1]?.id }
    manifests.push(entry)
  }
  return { manifests }
}
