export { type ThrowAwayNats, throwAwayNats } from './nats.ts'
export { suiteAccounts } from './nats-accounts.ts'
export { type ThrowAwayPostgres, throwAwayPostgres } from './postgres.ts'
export { type TempDir, tempDir } from './temp-dir.ts'
