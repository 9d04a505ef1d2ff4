import type { Place } from './blobs.ts'
import { type Content, contentOf, describeContent, digestOf, freshContent } from './content.ts'
import { IMAGE, INDEX } from './data-sets.ts'
import { expectError, expectStatus } from './expect.ts'
import type { Reply } from './wire.ts'

const CONFIG = 'application/vnd.oci.image.config.v1+json'
const MISSING = `sha256:${'0'.repeat(64)}`

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** What is wrong is told with the right status and code. @see distribution-spec, "Error Codes" */
export async function checkErrors(place: Place): Promise<void> {
  const { wire, report, repository } = place
  const at = (rest: string, name = repository): string => `/v2/${name}/${rest}`
  const put = (reference: string, body: Buffer, mediaType = IMAGE): Promise<Reply> =>
    wire.send('PUT', at(`manifests/${reference}`), { headers: { 'content-type': mediaType }, body })
  const refused = (name: string, status: number, codes: string[], ask: () => Promise<Reply>): Promise<boolean> =>
    report.check('errors', name, async () => expectError(await ask(), status, ...codes))

  await report.check('ping', 'GET and HEAD of /v2/', async () => {
    expectStatus(await wire.send('GET', '/v2/'), 200)
    expectStatus(await wire.send('HEAD', '/v2/'), 200)
  })
  await report.check('errors', 'a repository never pushed to has no referrers', async () => {
    expectStatus(await wire.send('GET', at(`referrers/${MISSING}`, `${repository}-never`)), 200)
  })
  await refused('tags of a repository never pushed to', 404, ['NAME_UNKNOWN'], () =>
    wire.send('GET', at('tags/list', `${repository}-never`)),
  )
  await refused('a manifest nobody pushed, by tag', 404, ['MANIFEST_UNKNOWN'], () =>
    wire.send('GET', at('manifests/never')),
  )
  await refused('a manifest nobody pushed, by digest', 404, ['MANIFEST_UNKNOWN'], () =>
    wire.send('GET', at(`manifests/${MISSING}`)),
  )
  await refused('a session nobody opened', 404, ['BLOB_UPLOAD_UNKNOWN'], () =>
    wire.send('GET', at('blobs/uploads/00000000-0000-4000-8000-000000000000')),
  )
  await refused('referrers of what is no digest', 400, ['DIGEST_INVALID'], () =>
    wire.send('GET', at('referrers/latest')),
  )
  await report.check('errors', 'a blob of an unknown algorithm', async () => {
    const reply = await wire.send('GET', at(`blobs/md5:${'0'.repeat(32)}`))
    if (reply.status === 404) expectError(reply, 404, 'BLOB_UNKNOWN')
    else expectError(reply, 400, 'DIGEST_INVALID', 'UNSUPPORTED')
  })
  await refused('an unknown algorithm in a push', 400, ['DIGEST_INVALID', 'UNSUPPORTED'], () =>
    wire.send('POST', at(`blobs/uploads/?digest=md5:${'0'.repeat(32)}`), { body: Buffer.from('x') }),
  )
  await refused('a count of tags that is no number', 400, ['PAGINATION_NUMBER_INVALID'], () =>
    wire.send('GET', at('tags/list?n=many')),
  )
  for (const [name, body] of [
    ['no JSON', Buffer.from('no JSON')],
    ['a list', json([])],
    ['schema version 1', json({ schemaVersion: 1, mediaType: IMAGE })],
    ['a config without a digest', json({ schemaVersion: 2, mediaType: IMAGE, config: {}, layers: [] })],
    ['layers and manifests', json({ schemaVersion: 2, mediaType: INDEX, manifests: [], layers: [], config: {} })],
  ] as const) {
    const type = name === 'layers and manifests' ? INDEX : IMAGE
    await refused(`a manifest that is ${name}`, 400, ['MANIFEST_INVALID'], () => put('wrong', body, type))
  }
  const empty = json({ schemaVersion: 2, mediaType: INDEX, manifests: [] })
  await refused('a media type unlike the one inside', 400, ['MANIFEST_INVALID'], () => put('wrong', empty, IMAGE))
  await refused('a manifest under another digest', 400, ['DIGEST_INVALID'], () =>
    put(digestOf(Buffer.concat([empty, Buffer.from(' ')]), 'sha256'), empty, INDEX),
  )
  await refused('a tag no tag may be called', 400, ['TAG_INVALID', 'MANIFEST_INVALID', 'NAME_INVALID'], () =>
    put('-wrong', empty, INDEX),
  )
  const missing = freshContent(9, 'sha256')
  await report.check('errors', 'a manifest whose blobs are missing', async () => {
    const config = describeContent(missing, CONFIG)
    const reply = await put('missing', json({ schemaVersion: 2, mediaType: IMAGE, config, layers: [] }))
    expectError(reply, reply.status === 400 ? 400 : 404, 'MANIFEST_BLOB_UNKNOWN')
  })
  await checkSize(place, put)
}

/** More than four megabytes are too much, and said so. */
async function checkSize(place: Place, put: (reference: string, body: Buffer) => Promise<Reply>): Promise<void> {
  const annotations = { much: 'A'.repeat(4_300_000) }
  const body: Content = contentOf(
    json({
      schemaVersion: 2,
      mediaType: IMAGE,
      config: describeContent(freshContent(2, 'sha256'), CONFIG),
      layers: [],
      annotations,
    }),
    'sha256',
  )
  await place.report.check('errors', 'a manifest of 4.3 MB', async () =>
    expectError(await put('much', body.bytes), 413, 'SIZE_INVALID', 'MANIFEST_INVALID'),
  )
}
