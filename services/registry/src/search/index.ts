export { searchAccessories } from './accessory-search.ts'
export { artifactSearch, artifactUnknown, findArtifact } from './artifact-search.ts'
export { idsAfter, type ListQuery, pageOfIds } from './columns-page.ts'
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
} from './judged.ts'
export type { Order } from './order.ts'
export { createRecent, type Recent } from './recent.ts'
export { visibleSql } from './visible.ts'
