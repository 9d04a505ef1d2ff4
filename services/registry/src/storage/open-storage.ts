import type { S3Settings } from '@berth/runtime'
import type { S3Bucket } from './s3/s3-bucket.ts'
import type { Storage } from './storage.ts'
import { filesystemStorage } from './storage-filesystem.ts'
import { type StorageSettings, storageSettings } from './storage-settings.ts'

/** The storage the environment names. @throws {SettingInvalid} */
export function openStorage(env: NodeJS.ProcessEnv): Promise<Storage> {
  return openStorageOf(storageSettings(env))
}

export async function openStorageOf(settings: StorageSettings): Promise<Storage> {
  if (settings.driver === 'filesystem') return filesystemStorage(settings.root)
  // The library for it takes tens of MiB, which who keeps files need not pay.
  const { s3Storage } = await import('./s3/s3-storage.ts')
  return s3Storage(settings.s3, { streamNetworks: settings.streamNetworks })
}

/** The bucket itself, for who reads in it what is not ours. */
export async function openBucket(settings: S3Settings, env: NodeJS.ProcessEnv): Promise<S3Bucket> {
  const { s3Bucket } = await import('./s3/s3-bucket.ts')
  return s3Bucket(settings, { env })
}
