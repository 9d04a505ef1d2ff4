export { BUFFER_BYTES, giveBuffer, takeBuffer } from './buffer-pool.ts'
export { measuredStorage } from './measured-storage.ts'
export {
  BytesMissing,
  type Storage,
  type StorageKey,
  type StoredBytes,
  type StoredEntry,
  storageKeyOf,
  type UploadPath,
  type UploadWriter,
  uploadPathOf,
} from './storage.ts'
export { filesystemStorage } from './storage-filesystem.ts'
