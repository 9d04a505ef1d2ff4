export { giveBuffer, takeBuffer } from './buffer-pool.ts'
export { measuredStorage } from './measured-storage.ts'
export { openBucket, openStorage, openStorageOf } from './open-storage.ts'
export type { S3Bucket } from './s3/s3-bucket.ts'
export {
  BytesMissing,
  BytesRemain,
  ChunkTooShort,
  holderOf,
  type Progress,
  type Storage,
  type StorageKey,
  type StoredBytes,
  type StoredEntry,
  type StoredUpload,
  type UploadPath,
  type UploadState,
  type UploadWriter,
  uploadPathOf,
} from './storage.ts'
export { filesystemStorage } from './storage-filesystem.ts'
export { type StorageSettings, storageSettings } from './storage-settings.ts'
