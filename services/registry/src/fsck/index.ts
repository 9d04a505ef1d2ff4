export { type FsckFinding, type FsckOptions, type FsckReport, fsck } from './fsck.ts'
