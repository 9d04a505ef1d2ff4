export { type BlobParts, blobDoors, mountBlob, mountOf } from './blob-routes.ts'
export { blobStore } from './blob-store.ts'
export { holdBlobs, touchBlobs } from './touch-blobs.ts'
