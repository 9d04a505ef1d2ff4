export { type Account, ADMIN_ID, satisfiesPasswordRule } from './user.ts'
export { userStore } from './user-store.ts'
