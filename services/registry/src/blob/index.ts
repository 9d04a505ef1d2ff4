export { type BlobParts, blobDoors, mountBlob, mountOf } from './blob-routes.ts'
export { blobStore } from './blob-store.ts'
export { touchBlobs } from './touch-blobs.ts'
