import { sha256 } from '@berth/testkit'
import type { RegistryClient } from '../registry-client.ts'
import type { Random } from './random.ts'
import type { Thing } from './universe.ts'

/** The connection broke, or it was 503: whether anything happened nobody knows. */
export class Unsure extends Error {
  override name = 'Unsure'
}

/** What is answered in no state of the registry. */
export class Wrong extends Error {
  override name = 'Wrong'
}

/** Sends a request and reads all of its answer. @throws {Unsure} @throws {Wrong} a 500 */
export async function send(
  client: RegistryClient,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; headers: Headers; body: Buffer }> {
  try {
    const answered = await client.fetch(path, { signal: AbortSignal.timeout(20_000), ...init })
    const body = Buffer.from(await answered.arrayBuffer())
    if (answered.status === 500) throw new Wrong(`500 for ${init.method ?? 'GET'} ${path}`)
    if (answered.status === 503) throw new Unsure(`503 for ${path}`)
    return { status: answered.status, headers: answered.headers, body }
  } catch (err) {
    if (err instanceof Wrong) throw err
    throw new Unsure(`${init.method ?? 'GET'} ${path}`, { cause: err })
  }
}

export interface Push {
  client: RegistryClient
  random: Random
  /** Repositories to mount from. */
  others: readonly string[]
}

/**
 * Pushes as clients do: children first, then each blob unless the registry says it has it, then the manifest. What was
 * collected in between is sent again. Answers whether the registry took it.
 */
export async function push(parts: Push, thing: Thing, reference: string): Promise<boolean> {
  for (let attempt = 0; attempt < 8; attempt++) {
    for (const child of thing.children) if (!(await push(parts, child, child.digest))) return false
    for (const blob of thing.blobs) await pushBlob(parts, blob)
    const put = await send(parts.client, `manifests/${reference}`, {
      method: 'PUT',
      body: thing.manifest as Buffer<ArrayBuffer>,
      headers: { 'content-type': thing.type },
    })
    if (put.status === 201) return true
    if (put.status !== 404) throw new Wrong(`${put.status} for a manifest: ${put.body}`)
  }
  return false
}

async function pushBlob({ client, random, others }: Push, blob: Buffer): Promise<void> {
  const digest = sha256(blob)
  if (random.percent(60)) {
    const head = await send(client, `blobs/${digest}`, { method: 'HEAD' })
    if (head.status === 200) return
    require(head.status === 404, head.status, 'HEAD of a blob')
  }
  const body = blob as Buffer<ArrayBuffer>
  if (random.percent(30)) {
    const mounted = await send(client, `blobs/uploads/?mount=${digest}&from=${random.pick(others)}`, { method: 'POST' })
    if (mounted.status === 201) return
    require(mounted.status === 202, mounted.status, 'a mount')
    return finish(client, mounted.headers.get('location') ?? '', digest, body)
  }
  if (random.percent(50)) {
    const posted = await send(client, `blobs/uploads/?digest=${digest}`, { method: 'POST', body })
    return require(posted.status === 201, posted.status, 'a POST of a blob')
  }
  const started = await send(client, 'blobs/uploads/', { method: 'POST' })
  require(started.status === 202, started.status, 'the start of an upload')
  const half = Math.floor(blob.length / 2)
  const location = started.headers.get('location') ?? ''
  const patched = await send(client, location, { method: 'PATCH', body: body.subarray(0, half) })
  require(patched.status === 202, patched.status, 'a PATCH')
  return finish(client, patched.headers.get('location') ?? '', digest, body.subarray(half))
}

async function finish(client: RegistryClient, location: string, digest: string, body: Buffer<ArrayBuffer>) {
  const url = `${location}${location.includes('?') ? '&' : '?'}digest=${digest}`
  const put = await send(client, url, { method: 'PUT', body })
  require(put.status === 201, put.status, 'the end of an upload')
}

function require(isRight: boolean, status: number, what: string): void {
  if (!isRight) throw new Wrong(`${status} for ${what}`)
}
