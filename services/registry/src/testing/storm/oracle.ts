import { sha256 } from '@berth/testkit'
import type { RegistryClient } from '../registry-client.ts'
import { send, Wrong } from './pusher.ts'
import type { Thing } from './universe.ts'

/** What a tag may name now: digests, `undefined` for nothing. More than one where an answer was lost. */
export type Belief = Map<string, Set<string | undefined>>

/**
 * Pulls what a tag names, all of it.
 *
 * @returns the digest, `undefined` when there is no such tag
 * @throws {Wrong} it names what it cannot, or anything below it is gone or other bytes
 */
export async function pullTag(
  client: RegistryClient,
  tag: string,
  may: ReadonlySet<string | undefined>,
  things: ReadonlyMap<string, Thing>,
): Promise<string | undefined> {
  const got = await send(client, `manifests/${tag}`)
  const digest = got.status === 200 ? sha256(got.body) : undefined
  if (got.status !== 200 && got.status !== 404) throw new Wrong(`${got.status} for the tag ${tag}`)
  if (!may.has(digest)) {
    throw new Wrong(`${client.name}:${tag} names ${digest ?? 'nothing'} instead of ${[...may].join(' or ')}`)
  }
  if (digest !== undefined) await pullThing(client, things.get(digest) as Thing)
  return digest
}

/** @throws {Wrong} anything of it is gone or other bytes */
async function pullThing(client: RegistryClient, thing: Thing): Promise<void> {
  await pullBytes(client, `manifests/${thing.digest}`, thing.manifest)
  for (const blob of thing.blobs) await pullBytes(client, `blobs/${sha256(blob)}`, blob)
  for (const child of thing.children) await pullThing(client, child)
}

async function pullBytes(client: RegistryClient, path: string, bytes: Buffer): Promise<void> {
  const got = await send(client, path)
  if (got.status !== 200) throw new Wrong(`lost: ${got.status} for ${client.name} ${path}`)
  if (!got.body.equals(bytes)) throw new Wrong(`other bytes: ${client.name} ${path}`)
}
