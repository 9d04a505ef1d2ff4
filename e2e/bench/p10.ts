import { join } from 'node:path'
import { Api } from '../src/api.ts'
import { report } from '../src/berth.ts'
import { percentile } from '../src/figures.ts'
import { basic } from '../src/http.ts'
import { sha256 } from '../src/images/blob.ts'
import { OCI_MANIFEST } from '../src/images/image.ts'
import { cpuSeconds } from '../src/proc.ts'
import { sleep } from '../src/process.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { berthContender } from './contenders.ts'
import { type Contender, type Measured, measureOurs, middle, type Row } from './measure.ts'
import { profileServices } from './profile.ts'
import { must, overWire, type Place, putManifest } from './pushing.ts'
import { manifestOf, SHARED, storeArtifacts, tagOf } from './stored-artifacts.ts'
import { onEight } from './walk.ts'

const CLIENTS = 16
const PUSHERS = 4
const PAGE_MS = 50
const PAGE_SIZES = [10, 100] as const
const PUSHED = 'listed'
const ADOPTED = 'adopted'
const REPOSITORY = 'team/app'
const FLAGS = ['tag', 'label', 'accessory', 'immutable_status', 'scan_overview', 'sbom_overview']
const QUIET_SHARE = 0.1
const LOOK_MS = 5_000
const LONGEST_WAIT_MS = 900_000

export interface ArtifactWish {
  /** Artifacts that are pushed, and those that are taken over, each into one repository. */
  pushed: number
  adopted: number
  /** How long the suite must have had nothing to do before the clock runs. */
  quietMs: number
  /** How long each page is asked for. */
  seconds: number
}

/**
 * A page of the artifact list with everything the portal asks for, through the gateway, in a suite of its own: first,
 * middle and last page of repositories of two sizes, and of the smaller one while images are pushed into it.
 */
export async function p10(wish: ArtifactWish, repeats: number): Promise<Row[]> {
  const home = await openScratch()
  const suite = await startSuite()
  try {
    const ours: Contender = { ...berthContender(suite), name: 'gateway', base: suite.url }
    const headers = { authorization: basic('admin', suite.adminPassword) }
    await pushAll(suite, ours, wish.pushed)
    await storeArtifacts(join(home, 'stored'), `${ADOPTED}/${REPOSITORY}`, wish.adopted)
    await report(suite, ['registry', 'adopt', join(home, 'stored')])
    for (const project of [PUSHED, ADOPTED]) await adorn(suite, project, ours)
    await settled(suite, wish.quietMs)
    const asked: Asked = { ours, headers, seconds: wish.seconds, repeats }
    const rows: Row[] = []
    for (const [project, count] of [
      [PUSHED, wish.pushed],
      [ADOPTED, wish.adopted],
    ] as const) {
      for (const size of PAGE_SIZES) rows.push(...(await pages(asked, project, count, size)))
    }
    rows.push(await besidePushes(asked, wish.pushed))
    return rows
  } finally {
    await suite.stop()
    await removeScratch(home)
  }
}

interface Asked {
  ours: Contender
  headers: Record<string, string>
  seconds: number
  repeats: number
}

const placeOf = async (ours: Contender, project: string): Promise<Place> => ({
  base: ours.base,
  repository: `${project}/${REPOSITORY}`,
  headers: await ours.headers([`${project}/${REPOSITORY}`]),
})

async function pushAll(suite: Suite, ours: Contender, count: number): Promise<void> {
  await Api.admin(suite).createProject(PUSHED)
  const place = await placeOf(ours, PUSHED)
  await overWire(ours.base, (wire) => pushShared(wire, place))
  await onEight(ours.base, count, (wire, n) => putManifest(wire, place, tagOf(n), manifestOf(n)))
}

async function pushShared(wire: Parameters<Parameters<typeof overWire>[1]>[0], place: Place): Promise<void> {
  const type = { 'content-type': 'application/octet-stream' }
  for (const bytes of Object.values(SHARED)) {
    const path = `/v2/${place.repository}/blobs/uploads/?digest=${sha256(bytes)}`
    must(await wire.ask('POST', path, { ...place.headers, ...type }, bytes), 201)
  }
}

/** Gives the artifacts of the pages that are asked for a label and a signature each, and the project a rule. */
async function adorn(suite: Suite, project: string, ours: Contender): Promise<void> {
  const api = Api.admin(suite)
  const list = `/api/v2.0/projects/${project}/repositories/${encodeURIComponent(encodeURIComponent(REPOSITORY))}/artifacts`
  await api.must(201, 'POST', `/api/v2.0/projects/${project}/immutabletagrules`, {
    action: 'immutable',
    template: 'immutable_template',
    tag_selectors: [{ kind: 'doublestar', decoration: 'matches', pattern: 't*5' }],
    scope_selectors: { repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: '**' }] },
  })
  const label = await api.must(201, 'POST', '/api/v2.0/labels', { name: `bench-${project}`, scope: 'g' })
  const id = Number(label.headers.location?.split('/').pop())
  const first = await api.must(200, 'GET', `${list}?page_size=10`)
  const last = Math.ceil(Number(first.headers['x-total-count']) / 10)
  const place = await placeOf(ours, project)
  for (const page of new Set([1, Math.ceil(last / 2), last])) {
    const found = await api.must(200, 'GET', `${list}?page_size=10&page=${page}`)
    for (const { digest, size } of found.json<{ digest: string; size: number }[]>()) {
      await api.must(200, 'POST', `${list}/${digest}/labels`, { id })
      await overWire(ours.base, (wire) => putManifest(wire, place, ...signatureOf(digest, size)))
    }
  }
}

function signatureOf(digest: string, size: number): [string, { mediaType: string; [field: string]: unknown }] {
  const manifest = {
    ...manifestOf(0),
    artifactType: 'application/vnd.dev.cosign.artifact.sig.v1+json',
    subject: { mediaType: OCI_MANIFEST, digest, size },
  }
  return [sha256(Buffer.from(JSON.stringify(manifest))), manifest]
}

/** Facts of what was taken over are filled in beside, and Postgres counts its rows anew: waits until both are over. */
async function settled(suite: Suite, quietMs: number): Promise<void> {
  const end = Date.now() + LONGEST_WAIT_MS
  const used = async (): Promise<number> => {
    const each = await Promise.all((await suite.processes()).map(({ pid }) => cpuSeconds(pid)))
    return each.reduce<number>((sum, seconds) => sum + (seconds ?? 0), 0)
  }
  for (let quiet = 0; quiet < quietMs && Date.now() < end; ) {
    const before = await used()
    await sleep(LOOK_MS)
    quiet = ((await used()) - before) * 1000 < QUIET_SHARE * LOOK_MS ? quiet + LOOK_MS : 0
  }
}

async function pages(asked: Asked, project: string, count: number, size: number): Promise<Row[]> {
  const last = Math.ceil(count / size)
  const rows: Row[] = []
  for (const [name, page] of [
    ['first', 1],
    ['middle', Math.ceil(last / 2)],
    ['last', last],
  ] as const) {
    const run = (): Promise<number> => listing(asked, project, page, size)
    rows.push(await rowOf(asked, `${count} artifacts by ${size}, ${name} page`, size === PAGE_SIZES[0], run))
  }
  return rows
}

async function rowOf(asked: Asked, work: string, isHeld: boolean, run: () => Promise<number>): Promise<Row> {
  if (asked.repeats > 1) await run()
  const runs: Measured[] = []
  for (let n = 0; n < asked.repeats; n += 1) runs.push(await measureOurs(asked.ours, run))
  const ours = middle(runs)
  const verdict = !isHeld || ours.rate < PAGE_MS ? 'reached' : 'missed'
  const isLookedInto = verdict === 'missed' && asked.repeats > 1
  return {
    id: 'P10',
    work: `gateway: ${work}, everything asked for, ${CLIENTS} clients, p95`,
    unit: 'ms',
    ours,
    reach: isHeld ? `< ${PAGE_MS} ms` : 'told',
    verdict,
    profiles: isLookedInto ? await profileServices(asked.ours, run) : undefined,
  }
}

/** The p95 of one page, asked for over and over by all clients; milliseconds. */
async function listing(
  { ours, headers, seconds }: Asked,
  project: string,
  page: number,
  size: number,
): Promise<number> {
  const flags = FLAGS.map((flag) => `with_${flag}=true`).join('&')
  const name = encodeURIComponent(encodeURIComponent(REPOSITORY))
  const path = `/api/v2.0/projects/${project}/repositories/${name}/artifacts?page=${page}&page_size=${size}&${flags}`
  const took: number[] = []
  const end = performance.now() + seconds * 1000
  const client = () =>
    overWire(ours.base, async (wire) => {
      while (performance.now() < end) {
        const began = performance.now()
        const answer = must(await wire.ask('GET', path, headers), 200)
        took.push(performance.now() - began)
        if (answer.text.length < 3) throw new Error(`page ${page} of ${project} is empty`)
      }
    })
  await Promise.all(Array.from({ length: CLIENTS }, client))
  return percentile(took, 0.95)
}

/** The first page while images are pushed into the same repository: none of them may be in anyone's way. */
async function besidePushes(asked: Asked, count: number): Promise<Row> {
  const place = await placeOf(asked.ours, PUSHED)
  let next = count
  const run = async (): Promise<number> => {
    let going = true
    const push = () =>
      overWire(asked.ours.base, async (wire) => {
        while (going) {
          const n = next
          next += 1
          await putManifest(wire, place, tagOf(n), manifestOf(n))
        }
      })
    const pushing = Promise.all(Array.from({ length: PUSHERS }, push))
    try {
      return await listing(asked, PUSHED, 1, PAGE_SIZES[0])
    } finally {
      going = false
      await pushing
    }
  }
  const work = `${count} artifacts by ${PAGE_SIZES[0]}, first page while ${PUSHERS} clients push into the repository`
  return rowOf(asked, work, false, run)
}
