export { catalogDoors } from './catalog-routes.ts'
export { type CatalogStore, catalogStore } from './catalog-store.ts'
