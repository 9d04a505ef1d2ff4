export { type Drift, type ReconcileReport, reconcile } from './reconcile.ts'
export { startReconcile } from './start-reconcile.ts'
