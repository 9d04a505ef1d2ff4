export { type FsckReport, fsck } from './fsck.ts'
