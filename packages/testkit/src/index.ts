export { type ThrowAwayNats, throwAwayNats } from './nats.ts'
export { type ThrowAwayPostgres, throwAwayPostgres } from './postgres.ts'
export { type TempDir, tempDir } from './temp-dir.ts'
