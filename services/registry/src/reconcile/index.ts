export { startReconcile } from './start-reconcile.ts'
