import { NotFound } from '@berth/errors'
import type { S3Settings } from '@berth/runtime'
import { ArgumentsInvalid } from '../commands/command.ts'
import { openBucket, type S3Bucket, type StorageKey } from '../storage/index.ts'
import { type AdoptSource, type FileFacts, FileTooLarge } from './source.ts'

const WIDTH = 16
const PLAIN = /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*$/

/**
 * The storage of a registry in the bucket that is ours as well: `s3://bucket/prefix`, where the prefix holds
 * `docker/registry/v2` or is that itself.
 *
 * @throws {ArgumentsInvalid} another bucket, or a prefix no storage key can have
 * @throws {NotFound} no such storage there
 */
export async function s3Source(place: string, settings: S3Settings, env: NodeJS.ProcessEnv): Promise<AdoptSource> {
  const [, bucketName, path = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(place) ?? []
  if (bucketName !== settings.bucket) {
    throw new ArgumentsInvalid('only the bucket that is the storage of the registry can be taken over, BERTH_S3_BUCKET')
  }
  const prefix = path.replace(/\/*$/, '') === '' ? '' : `${path.replace(/\/*$/, '')}/`
  if (!PLAIN.test(prefix)) throw new ArgumentsInvalid('the prefix holds what no storage key can')
  const bucket = await openBucket(settings, env)
  const top = await findTop(bucket, prefix)
  if (top === undefined) {
    throw new NotFound(`${place} holds no storage of a registry: there is no docker/registry/v2/repositories in it`)
  }
  const keyOf = (name: string) => `adopted/${top}${name}` as StorageKey

  async function facts(name: string): Promise<FileFacts | undefined> {
    const [found] = await bucket.list(keyOf(name), '', 1)
    if (found === undefined || found.name !== keyOf(name)) return undefined
    return { sizeBytes: found.size, changedAt: found.modifiedAt }
  }

  return {
    name: `s3://${bucketName}/${top}`.replace(/\/$/, ''),
    width: WIDTH,
    directories: (name) => bucket.directories(`${keyOf(name)}/`),
    async readSmall(name, maxBytes) {
      const found = await facts(name)
      if (found === undefined) return undefined
      if (found.sizeBytes > maxBytes) throw new FileTooLarge(`${name} has more than ${maxBytes} bytes`)
      if (found.sizeBytes === 0) return { ...found, bytes: Buffer.alloc(0) }
      const chunks: Buffer[] = []
      for await (const chunk of await bucket.open(keyOf(name), found.sizeBytes)) chunks.push(chunk as Buffer)
      return { ...found, bytes: Buffer.concat(chunks) }
    },
    facts,
    open: async (name) => bucket.open(keyOf(name), await bucket.size(keyOf(name))),
    keyOf,
    close: async () => undefined,
  }
}

/** With a slash at its end. */
async function findTop(bucket: S3Bucket, prefix: string): Promise<string | undefined> {
  for (const top of [`${prefix}docker/registry/v2/`, prefix]) {
    for await (const _name of bucket.directories(`adopted/${top}repositories/`)) return top
  }
  return undefined
}
