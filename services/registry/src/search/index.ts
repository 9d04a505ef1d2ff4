export { type ArtifactSearch, artifactSearch, findArtifact } from './artifact-search.ts'
export {
  type FoundRepository,
  findJudged,
  holdJudged,
  type JudgedRepository,
  nameOf,
  requireLocal,
  requireOpen,
  standing,
} from './judged.ts'
export { type Order, orderOf, orderSql, snakeCase } from './order.ts'
export { createTotals, type Totals } from './totals.ts'
export { windowOf } from './window.ts'
