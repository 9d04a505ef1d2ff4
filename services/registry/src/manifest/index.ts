export { type ManifestParts, manifestDoors } from './manifest-routes.ts'
export { manifestStore } from './manifest-store.ts'
export { sweepContents } from './sweep-contents.ts'
export { linkToProject } from './usage.ts'
