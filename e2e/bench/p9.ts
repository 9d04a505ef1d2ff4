import { createHash } from 'node:crypto'
import { percentile } from '../src/figures.ts'
import { sha256 } from '../src/images/blob.ts'
import { OCI_MANIFEST } from '../src/images/image.ts'
import type { Field } from './contenders.ts'
import { measureOurs, type Row } from './measure.ts'
import { must, overWire, type Place, pushLoad, putManifest } from './pushing.ts'
import { onEight } from './walk.ts'
import type { Load } from './wire.ts'

const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json'
const FIRST_PAGE_MS = 20
const LOOKS = 300

const BLOCK = Buffer.from('{}')
const EMPTY: Load = { digest: `sha256:${createHash('sha256').update(BLOCK).digest('hex')}`, sizeBytes: 2, block: BLOCK }

const empty = { mediaType: EMPTY_TYPE, digest: EMPTY.digest, size: EMPTY.sizeBytes }
const manifestOf = (more: object) => ({
  schemaVersion: 2,
  mediaType: OCI_MANIFEST,
  config: empty,
  layers: [empty],
  ...more,
})

/** The first page of the referrers of one subject, by how many there are. */
export async function p9({ direct: { ours } }: Field, { counts }: { counts: readonly number[] }): Promise<Row[]> {
  const rows: Row[] = []
  for (const count of counts) {
    const repository = `library/referrers-${count}`
    const headers = await ours.headers([repository])
    const place: Place = { base: ours.base, repository, headers }
    const subject = manifestOf({ annotations: { subject: String(count) } })
    const bytes = Buffer.from(JSON.stringify(subject))
    const digest = sha256(bytes)
    await overWire(ours.base, async (wire) => {
      await pushLoad(wire, place, EMPTY, 'put')
      await putManifest(wire, place, digest, subject)
    })
    await onEight(ours.base, count, async (wire, n) => {
      const referrer = manifestOf({
        artifactType: 'application/vnd.example.note',
        subject: { mediaType: OCI_MANIFEST, digest, size: bytes.length },
        annotations: { note: String(n) },
      })
      await putManifest(wire, place, sha256(Buffer.from(JSON.stringify(referrer))), referrer)
    })
    const measured = await measureOurs(ours, () =>
      overWire(ours.base, async (wire) => {
        const took: number[] = []
        for (let n = 0; n < LOOKS; n += 1) {
          const began = performance.now()
          must(await wire.ask('GET', `/v2/${repository}/referrers/${digest}`, headers), 200)
          took.push(performance.now() - began)
        }
        return percentile(took, 0.95)
      }),
    )
    rows.push({
      id: 'P9',
      work: `direct: first page of ${count} referrer${count > 1 ? 's' : ''}, p95`,
      unit: 'ms',
      ours: measured,
      reach: `< ${FIRST_PAGE_MS} ms`,
      verdict: measured.rate < FIRST_PAGE_MS ? 'reached' : 'missed',
    })
  }
  return rows
}
