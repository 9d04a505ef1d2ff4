export { tagDoors } from './tag-routes.ts'
export { type TagStore, tagStore } from './tag-store.ts'
