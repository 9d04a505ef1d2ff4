import { MEDIA_TYPE } from '@berth/oci'
import { answerBytes, type Door, grantOf, linkToNext, type RouteOf } from '../http/index.ts'
import { admit, type WithProject } from '../project/index.ts'
import type { Referrer, ReferrerStore } from './referrer-store.ts'

const PAGE = { limit: 500, bytes: 3 * 1024 * 1024 }

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
        const artifactType = filterOf(visit.query)
        const after = cursorOf(visit.query)
        const { page, hasMore } = await withProject(name, async () => {
          const found = await referrers.list(name, digest, { after, artifactType, ...PAGE })
          admit(found?.facts, grant)
          return { page: found?.referrers ?? [], hasMore: found?.hasMore === true }
        })
        answerBytes(visit, 200, bodyOf(page), {
          'content-type': MEDIA_TYPE.ociIndex,
          ...(artifactType !== undefined && { 'oci-filters-applied': 'artifactType' }),
          ...(hasMore && {
            link: linkToNext(`${visit.base}/v2/${name}/referrers/${digest}`, {
              ...(artifactType !== undefined && { artifactType }),
              after: page.at(-1)?.id ?? 0,
            }),
          }),
        })
      },
    },
  }
}

function filterOf(query: URLSearchParams): string | undefined {
  const asked = query.get('artifactType')
  // No artifact type holds a NUL, and Postgres takes no text with one. A space was a plus that was not escaped.
  return asked === null || asked === '' ? undefined : asked.replaceAll('\0', '').replaceAll(' ', '+')
}

/** Ours alone, handed out in `Link`; what cannot be read starts from the beginning. */
function cursorOf(query: URLSearchParams): number {
  const after = query.get('after') ?? ''
  return /^\d{1,15}$/.test(after) ? Number(after) : 0
}

function bodyOf(page: readonly Referrer[]): Buffer {
  const manifests = page.map((row) => ({
    mediaType: row.media_type,
    digest: row.digest,
    size: row.size,
    ...(row.artifact_type !== null && { artifactType: row.artifact_type }),
    ...(row.annotations !== null && Object.keys(row.annotations).length > 0 && { annotations: row.annotations }),
  }))
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests }))
}
