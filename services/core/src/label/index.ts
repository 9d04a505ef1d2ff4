export { type Label, toLabelBody } from './label.ts'
export { labelStore } from './label-store.ts'
