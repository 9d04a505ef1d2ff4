export { manifestDoors } from './manifest-routes.ts'
export { type ManifestStore, manifestStore } from './manifest-store.ts'
