import assert from 'node:assert/strict'
import { PUSH_FORMS, pushed } from './blob-forms.ts'
import { type Place, removeBlob } from './blobs.ts'
import type { Descriptor } from './content.ts'
import { type DataSet, INDEX, type Manifest } from './data-sets.ts'
import { expectContent, expectError, expectHeader, expectStatus, locationOf } from './expect.ts'
import type { Reply } from './wire.ts'

const manifestUrl = (place: Place, reference: string, tags: readonly string[] = []): string => {
  const query = new URLSearchParams(tags.map((tag): [string, string] => ['tag', tag]))
  return `/v2/${place.repository}/manifests/${reference}${tags.length > 0 ? `?${query}` : ''}`
}

/** Pushes one set of content, finds it in every way, deletes it and finds it gone. */
export async function checkDataSet(place: Place, set: DataSet): Promise<void> {
  const { report } = place
  const [, plain] = PUSH_FORMS
  assert.ok(plain)
  for (const blob of set.blobs) {
    await report.check('blob post and put', set.name, () => pushed(place.wire, place.repository, blob, plain.push))
  }
  for (const manifest of set.manifests) await checkPut(place, set, manifest)
  for (const manifest of set.manifests) await checkFound(place, set, manifest)
  await checkTags(place, set)
  await checkReferrers(place, set, set.manifests)
  await removeTags(place, set)
  for (const manifest of set.manifests.toReversed()) await checkDelete(place, set, manifest)
  for (const { digest } of set.blobs) await removeBlob(place, place.repository, digest, set.name)
}

/** A sha512 manifest cannot be told by its tag alone: it is pushed by digest, its tags beside it. */
async function checkPut(place: Place, set: DataSet, manifest: Manifest): Promise<void> {
  const together = manifest.tags.length > 1
  const put = (reference: string, tags: readonly string[] = []): Promise<Reply> =>
    place.wire.send('PUT', manifestUrl(place, reference, tags), {
      headers: { 'content-type': manifest.mediaType },
      body: manifest.bytes,
    })
  await place.report.check(together ? 'manifest put with tags' : 'manifest put', set.name, async () => {
    const [tag] = manifest.tags
    const reply = together || tag === undefined ? await put(manifest.digest, manifest.tags) : await put(tag)
    expectStatus(reply, 201)
    expectHeader(reply, 'docker-content-digest', manifest.digest)
    if (manifest.subject !== undefined) expectHeader(reply, 'oci-subject', manifest.subject)
    if (together) {
      const told = String(reply.headers['oci-tag']).split(/,\s*/)
      assert.deepEqual(told.toSorted(), manifest.tags.toSorted())
    }
    const accept = { accept: manifest.mediaType }
    expectContent(await place.wire.send('GET', locationOf(reply), { headers: accept }), manifest)
  })
}

async function checkFound(place: Place, set: DataSet, manifest: Manifest): Promise<void> {
  for (const reference of [manifest.digest, ...manifest.tags]) {
    for (const [method, subject] of [
      ['HEAD', 'manifest head'],
      ['GET', 'manifest get'],
    ] as const) {
      await place.report.check(subject, `${set.name}: ${reference.slice(0, 20)}`, async () => {
        const headers = { accept: `${manifest.mediaType}, application/vnd.example.other` }
        const reply = await place.wire.send(method, manifestUrl(place, reference), { headers })
        expectContent(reply, manifest, method === 'HEAD')
        expectHeader(reply, 'content-type', manifest.mediaType)
        expectHeader(reply, 'docker-content-digest', manifest.digest)
      })
    }
  }
}

/** All tags in byte order, and page by page with `n`, `last` and Link. @see distribution-spec, endpoints 8a, 8b */
async function checkTags(place: Place, set: DataSet): Promise<void> {
  const wanted = set.manifests.flatMap((manifest) => manifest.tags).toSorted()
  const list = `/v2/${place.repository}/tags/list`
  const tagsOf = (reply: Reply): string[] => {
    expectStatus(reply, 200)
    const { name, tags } = JSON.parse(reply.body.toString('utf8')) as { name: string; tags: string[] }
    assert.equal(name, place.repository)
    return tags
  }
  await place.report.check('tags list', `${set.name}: all`, async () => {
    assert.deepEqual(tagsOf(await place.wire.send('GET', list)), wanted)
  })
  await place.report.check('tags list', `${set.name}: none wanted`, async () => {
    const reply = await place.wire.send('GET', `${list}?n=0`)
    assert.deepEqual(tagsOf(reply), [])
    assert.equal(reply.headers.link, undefined)
  })
  await place.report.check('tags list', `${set.name}: one by one`, async () => {
    const found: string[] = []
    for (let next: URL | undefined = new URL(`${list}?n=1`, place.wire.base); next; ) {
      const reply: Reply = await place.wire.send('GET', next)
      found.push(...tagsOf(reply))
      next = nextOf(reply)
      assert.ok(found.length <= wanted.length, 'more pages than tags')
    }
    assert.deepEqual(found, wanted)
  })
  const middle = wanted[Math.floor(wanted.length / 2)]
  if (middle === undefined) return
  await place.report.check('tags list', `${set.name}: after a name`, async () => {
    const after = wanted.filter((tag) => tag > middle)
    assert.deepEqual(tagsOf(await place.wire.send('GET', `${list}?last=${middle}`)), after)
    assert.deepEqual(tagsOf(await place.wire.send('GET', `${list}?last=${middle}&n=5`)), after.slice(0, 5))
  })
}

/** The URL behind `rel="next"`. @see RFC 5988 */
function nextOf(reply: Reply): URL | undefined {
  const { link } = reply.headers
  const found = /<([^>]+)>;\s*rel="?next"?/.exec(link?.toString() ?? '')
  return found?.[1] === undefined ? undefined : new URL(found[1], reply.url)
}

/** Each subject lists those of `present` that point at it, and a filter keeps one kind of them. */
async function checkReferrers(place: Place, set: DataSet, present: readonly Manifest[]): Promise<void> {
  const digests = new Set(set.manifests.map((manifest) => manifest.subject ?? manifest.digest))
  const listOf = async (digest: string, query = ''): Promise<{ reply: Reply; manifests: Descriptor[] }> => {
    const reply = await place.wire.send('GET', `/v2/${place.repository}/referrers/${digest}${query}`)
    expectStatus(reply, 200)
    expectHeader(reply, 'content-type', INDEX)
    const body = JSON.parse(reply.body.toString('utf8')) as Record<string, unknown>
    assert.equal(body.schemaVersion, 2)
    assert.equal(body.mediaType, INDEX)
    return { reply, manifests: body.manifests as Descriptor[] }
  }
  const sorted = (all: readonly Descriptor[]): Descriptor[] => all.toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
  for (const digest of digests) {
    const wanted = present.filter((one) => one.subject === digest).map((one) => one.descriptor)
    await place.report.check('referrers', `${set.name}: all`, async () => {
      assert.deepEqual(sorted((await listOf(digest)).manifests), sorted(wanted))
    })
    for (const type of new Set(wanted.map((one) => one.artifactType).filter((kind) => kind !== undefined))) {
      await place.report.check('referrers', `${set.name}: of type ${type}`, async () => {
        const { reply, manifests } = await listOf(digest, `?artifactType=${encodeURIComponent(type)}`)
        expectHeader(reply, 'oci-filters-applied', 'artifactType')
        assert.deepEqual(sorted(manifests), sorted(wanted.filter((one) => one.artifactType === type)))
      })
    }
  }
}

async function removeTags(place: Place, set: DataSet): Promise<void> {
  for (const manifest of set.manifests) {
    for (const tag of manifest.tags) {
      await place.report.check('tag delete', set.name, async () => {
        expectStatus(await place.wire.send('DELETE', manifestUrl(place, tag)), 202)
        expectStatus(await place.wire.send('HEAD', manifestUrl(place, tag)), 404)
        expectStatus(await place.wire.send('HEAD', manifestUrl(place, manifest.digest)), 200)
      })
    }
  }
}

async function checkDelete(place: Place, set: DataSet, manifest: Manifest): Promise<void> {
  await place.report.check('manifest delete', set.name, async () => {
    expectStatus(await place.wire.send('DELETE', manifestUrl(place, manifest.digest)), 202)
    expectStatus(await place.wire.send('HEAD', manifestUrl(place, manifest.digest)), 404)
    expectError(await place.wire.send('GET', manifestUrl(place, manifest.digest)), 404, 'MANIFEST_UNKNOWN')
  })
  if (manifest.subject === undefined) return
  const left = set.manifests.slice(0, set.manifests.indexOf(manifest))
  await checkReferrers(place, { ...set, manifests: [manifest] }, left)
}
