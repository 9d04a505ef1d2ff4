export { EXIT, type ExitCode } from './exit.ts'
export { runBerth } from './run.ts'
export type { World } from './terminal.ts'
