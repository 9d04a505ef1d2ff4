export { alone } from './alone.ts'
export { type Chore, choreOf } from './chore-store.ts'
