export { createTag, deleteTag } from './tag-changes.ts'
export { tagDoors } from './tag-routes.ts'
export { searchTags } from './tag-search.ts'
export { type TagStore, tagStore } from './tag-store.ts'
