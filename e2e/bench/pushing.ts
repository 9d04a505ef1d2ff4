import { headerOf, type Load, Wire, type WireAnswer } from './wire.ts'

export interface Place {
  base: string
  repository: string
  headers: Record<string, string>
}

export type PushForm = 'put' | 'patch' | 'chunks'

const OCTETS = { 'content-type': 'application/octet-stream' }
const PART_BYTES = 16 * 2 ** 20

/** Pushes a blob in one of the ways clients have. @throws {Error} when it is not taken */
export async function pushLoad(wire: Wire, place: Place, load: Load, form: PushForm): Promise<void> {
  const { headers, repository, base } = place
  const opened = await wire.ask('POST', `/v2/${repository}/blobs/uploads/`, headers)
  let location = locationOf(must(opened, 202), base)
  if (form === 'patch') {
    const patch = await wire.ask('PATCH', pathOf(location), { ...headers, ...OCTETS }, { load, chunked: true })
    location = locationOf(must(patch, 202), base)
  } else if (form === 'chunks') {
    for (let from = 0; from < load.sizeBytes; from += PART_BYTES) {
      const bytes = Math.min(PART_BYTES, load.sizeBytes - from)
      const range = { 'content-range': `${from}-${from + bytes - 1}` }
      const patch = await wire.ask(
        'PATCH',
        pathOf(location),
        { ...headers, ...OCTETS, ...range },
        { load, from, bytes },
      )
      location = locationOf(must(patch, 202), base)
    }
  }
  location.searchParams.set('digest', load.digest)
  const body = form === 'put' ? { load } : undefined
  must(await wire.ask('PUT', pathOf(location), { ...headers, ...OCTETS }, body), 201)
}

/** As `pushLoad`, after asking whether it is there, as clients do. */
export async function pushMissing(wire: Wire, place: Place, load: Load): Promise<void> {
  const path = `/v2/${place.repository}/blobs/${load.digest}`
  if ((await wire.ask('HEAD', path, place.headers)).status !== 200) await pushLoad(wire, place, load, 'put')
}

export async function putManifest(
  wire: Wire,
  place: Place,
  reference: string,
  manifest: { mediaType: string; [field: string]: unknown },
): Promise<void> {
  const path = `/v2/${place.repository}/manifests/${reference}`
  const headers = { ...place.headers, 'content-type': manifest.mediaType }
  must(await wire.ask('PUT', path, headers, Buffer.from(JSON.stringify(manifest))), 201)
}

/** Does `work` on a connection of its own. */
export async function overWire<T>(base: string, work: (wire: Wire) => Promise<T>): Promise<T> {
  const wire = new Wire(base)
  try {
    return await work(wire)
  } finally {
    wire.close()
  }
}

/** @throws {Error} another status */
export function must(answer: WireAnswer, status: number): WireAnswer {
  if (answer.status === status) return answer
  throw new Error(`${status} was due: ${answer.head}${answer.text.slice(0, 500)}`)
}

function locationOf(answer: WireAnswer, base: string): URL {
  return new URL(headerOf(answer, 'location') ?? '', base)
}

function pathOf({ pathname, search }: URL): string {
  return `${pathname}${search}`
}
