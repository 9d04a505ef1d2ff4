export type { Pull } from './gather-pulls.ts'
export { type PullRecorder, recordPulls } from './record-pulls.ts'
