import { randomBytes } from 'node:crypto'
import { OCI_MANIFEST } from '../src/images/image.ts'
import { type Field, PROJECTS } from './contenders.ts'
import { type Comparison, compare, type Row, type Target } from './measure.ts'
import { overWire, type Place, pushMissing, putManifest } from './pushing.ts'
import { makeLoad, type Wire } from './wire.ts'

const LAYERS = 5
const LAYER_BYTES = 4096
const LEAST_OF_ONE = 0.8
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'

async function pushImage(wire: Wire, place: Place): Promise<void> {
  const layers = Array.from({ length: LAYERS }, () => makeLoad(LAYER_BYTES))
  const config = makeLoad(200)
  for (const load of [...layers, config]) await pushMissing(wire, place, load)
  await putManifest(wire, place, randomBytes(8).toString('hex'), {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: CONFIG, digest: config.digest, size: config.sizeBytes },
    layers: layers.map(({ digest, sizeBytes }) => ({ mediaType: LAYER, digest, size: sizeBytes })),
  })
}

/** Images a second that so many clients push, each into a repository of its own, in one project or in many. */
async function imageRate(target: Target, clients: number, projects: number, seconds: number): Promise<number> {
  let images = 0
  const began = performance.now()
  const end = began + seconds * 1000
  const client = (n: number) =>
    overWire(target.base, async (wire) => {
      const repository = repositoryOf(n, projects)
      while (performance.now() < end) {
        await pushImage(wire, { ...target, repository })
        images += 1
      }
    })
  await Promise.all(Array.from({ length: clients }, (_, n) => client(n)))
  return images / ((performance.now() - began) / 1000)
}

const repositoryOf = (client: number, projects: number): string =>
  `${PROJECTS[client % projects] ?? PROJECTS[0]}/client-${client}`

/** Small images, with quota, events and access checks on our side and none on the peer's. */
export async function p3(
  field: Field,
  wish: { clients: readonly number[]; seconds: number; repeats: number },
): Promise<Row[]> {
  const { repeats, seconds } = wish
  const rows: Row[] = []
  const rates = new Map<string, Row>()
  for (const clients of wish.clients) {
    for (const projects of clients === 1 ? [1] : [1, PROJECTS.length]) {
      const who = `${clients} client${clients > 1 ? 's' : ''}`
      const where = projects === 1 ? 'one project' : `${projects} projects`
      const repositories = Array.from({ length: clients }, (_, n) => repositoryOf(n, projects))
      const run: Comparison['run'] = (target) => imageRate(target, clients, projects, seconds)
      const work = `direct: images of ${LAYERS} × 4 KiB layers, ${who}, ${where}`
      const shared = { id: 'P3', unit: 'images/s', ...field.direct, repeats, reach: 1.0, repositories, run }
      const row = await compare({ ...shared, work })
      rows.push(row)
      rates.set(`${clients} ${projects}`, row)
      if (clients === 8 && projects === 1) {
        rows.push(await compare({ ...shared, work: `${work}, beside olareg`, peer: field.olareg }))
      }
    }
  }
  const one = rates.get('8 1')
  const many = rates.get(`8 ${PROJECTS.length}`)
  if (one && many) rows.push(oneByMany(one, many))
  return rows
}

function oneByMany(one: Row, many: Row): Row {
  const ratio = one.ours.rate / many.ours.rate
  return {
    id: 'P3',
    work: `direct: 8 clients, one project by ${PROJECTS.length}`,
    unit: '×',
    ours: { ...one.ours, rate: ratio },
    reach: `≥ ${LEAST_OF_ONE} ×`,
    verdict: ratio >= LEAST_OF_ONE ? 'reached' : 'missed',
  }
}
