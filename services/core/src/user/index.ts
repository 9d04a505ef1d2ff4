export { type Account, ADMIN_ID } from './user.ts'
export { userStore } from './user-store.ts'
