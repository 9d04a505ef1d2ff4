export { referrerDoors } from './referrer-routes.ts'
export { type ReferrerStore, referrerStore } from './referrer-store.ts'
