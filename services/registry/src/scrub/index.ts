export { markCorrupt, type SeenBlob } from './mark-corrupt.ts'
export { paceOf } from './pace.ts'
export { type ScrubFigures, type ScrubParts, scrubRound } from './scrub.ts'
export { startScrub } from './start-scrub.ts'
