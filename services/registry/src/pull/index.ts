export { type PullRecorder, recordPulls } from './record-pulls.ts'
