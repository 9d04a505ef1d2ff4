export { type Journal, type JournalLimits, openJournal } from './journal.ts'
export { folderOf } from './segment.ts'
