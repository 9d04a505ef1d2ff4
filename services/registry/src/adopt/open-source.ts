import { isAbsolute } from 'node:path'
import { ArgumentsInvalid } from '../commands/command.ts'
import { storageSettings } from '../storage/index.ts'
import type { AdoptSource } from './source.ts'
import { filesystemSource } from './source-filesystem.ts'
import { s3Source } from './source-s3.ts'

/**
 * What is to be taken over has to be of the kind our storage is: a directory, or `s3://bucket/prefix`.
 *
 * @throws {ArgumentsInvalid}
 */
export async function openSource(place: string, env: NodeJS.ProcessEnv): Promise<AdoptSource> {
  const settings = storageSettings(env)
  const isBucket = place.startsWith('s3://')
  if (settings.driver === 's3') {
    if (!isBucket) throw new ArgumentsInvalid('blobs are kept on S3: only s3://bucket/prefix can be taken over')
    return s3Source(place, settings.s3, env)
  }
  if (isBucket) throw new ArgumentsInvalid('blobs are kept as files: only a directory can be taken over')
  if (!isAbsolute(place)) throw new ArgumentsInvalid('the directory to adopt must be an absolute path')
  return filesystemSource(place, settings.root)
}
