export { searchAccessories } from './accessory-search.ts'
export { ALONE, readArtifacts } from './artifact-rows.ts'
export { type ArtifactSearch, artifactSearch, artifactUnknown, findArtifact } from './artifact-search.ts'
export { idsAfter, type Listed, type ListQuery, pageOfIds } from './columns-page.ts'
export { fitted } from './fit.ts'
export {
  admitJudged,
  type FoundRepository,
  findJudged,
  findTarget,
  holdJudged,
  type JudgedRepository,
  nameOf,
  requireLocal,
  requireOpen,
  standing,
} from './judged.ts'
export type { Order } from './order.ts'
export { createTotals, type Totals } from './totals.ts'
