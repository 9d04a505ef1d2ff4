import { sha256 } from '../src/images/blob.ts'
import type { Field } from './contenders.ts'
import type { Row } from './measure.ts'
import { must, putManifest } from './pushing.ts'
import { onEight, walkRow } from './walk.ts'

const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
const PAGE = 100
const LARGE_PAGE = 1000
const TAGS_OF_ONE_PUT = 25
const REPOSITORIES_OF_ONE_TOKEN = 50

/** An index of nothing: a manifest that needs no blob. */
const indexNamed = (name: string) => ({
  schemaVersion: 2,
  mediaType: OCI_INDEX,
  manifests: [],
  annotations: { 'org.opencontainers.image.title': name },
})

interface Wish {
  counts: readonly number[]
  repeats: number
}

/** All tags of one repository, in the largest pages and by a hundred. */
export async function p7({ direct: { ours } }: Field, { counts, repeats }: Wish): Promise<Row[]> {
  const rows: Row[] = []
  for (const count of counts) {
    const repository = `library/tags-${count}`
    const headers = await ours.headers([repository])
    await onEight(ours.base, count / TAGS_OF_ONE_PUT, async (wire, n) => {
      const body = Buffer.from(JSON.stringify(indexNamed(`${n}`)))
      const tags = Array.from({ length: TAGS_OF_ONE_PUT }, (_, k) => `tag=t${n * TAGS_OF_ONE_PUT + k}`)
      const path = `/v2/${repository}/manifests/${sha256(body)}?${tags.join('&')}`
      must(await wire.ask('PUT', path, { ...headers, 'content-type': OCI_INDEX }, body), 201)
    })
    for (const page of [LARGE_PAGE, PAGE]) {
      const path = `/v2/${repository}/tags/list?n=${page}`
      const work = `direct: ${count} tags by ${page}`
      rows.push(await walkRow({ id: 'P7', work, ours, path, headers, pages: Math.ceil(count / page), repeats }))
    }
  }
  return rows
}

/** The catalog of as many repositories, walked by a hundred. */
export async function p8({ direct: { ours }, suite }: Field, { counts, repeats }: Wish): Promise<Row[]> {
  const headers = { authorization: `Basic ${Buffer.from(`admin:${suite.adminPassword}`).toString('base64')}` }
  const rows: Row[] = []
  let made = 0
  for (const count of counts) {
    await onEight(ours.base, Math.ceil((count - made) / REPOSITORIES_OF_ONE_TOKEN), async (wire, n) => {
      const length = Math.min(REPOSITORIES_OF_ONE_TOKEN, count - made - n * REPOSITORIES_OF_ONE_TOKEN)
      const first = made + n * REPOSITORIES_OF_ONE_TOKEN
      const names = Array.from({ length }, (_, k) => `library/catalog/r${first + k}`)
      const own = await ours.headers(names)
      for (const repository of names) {
        await putManifest(wire, { base: ours.base, repository, headers: own }, '1', indexNamed(repository))
      }
    })
    made = count
    const work = `direct: catalog of ${count} repositories by ${PAGE}`
    const path = `/v2/_catalog?n=${PAGE}`
    rows.push(await walkRow({ id: 'P8', work, ours, path, headers, leastPages: Math.ceil(count / PAGE), repeats }))
  }
  return rows
}
