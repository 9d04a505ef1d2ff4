import { isAbsolute } from 'node:path'
import { ArgumentsInvalid } from '../commands/command.ts'
import type { AdoptSource } from './source.ts'
import { filesystemSource } from './source-filesystem.ts'

/** @param place a directory, or `s3://bucket/prefix` */
export async function openSource(place: string, env: NodeJS.ProcessEnv): Promise<AdoptSource> {
  const root = env.BERTH_REGISTRY_ROOT
  if (!root || !isAbsolute(root)) throw new ArgumentsInvalid('BERTH_REGISTRY_ROOT is not set')
  if (!isAbsolute(place)) throw new ArgumentsInvalid('the directory to adopt must be an absolute path')
  return filesystemSource(place, root)
}
