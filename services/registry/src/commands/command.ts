import type { Database } from '@berth/db'
import type { Logger } from '@berth/runtime'
import type { CommandProgress, CommandReport } from '@berth/types'
import type { Storage } from '../storage/index.ts'

/** What a sub-command works with. */
export interface CommandParts {
  database: Database
  storage: Storage
  env: NodeJS.ProcessEnv
  log: Logger
  /** Says how far it is; as often as it likes. */
  say: (progress: CommandProgress) => void
  /** Stop soon, so that the next start goes on from there. */
  signal: AbortSignal
}

/** A sub-command of `main.ts`: what it does with its arguments, and what it has done. */
export type Command = (args: readonly string[], parts: CommandParts) => Promise<CommandReport>

/** The arguments are wrong; its message says how. */
export class ArgumentsInvalid extends Error {
  override name = 'ArgumentsInvalid'
}

/** It worked and found what somebody must look at; the report stands all the same. */
export class NotWell extends Error {
  override name = 'NotWell'
  readonly report: CommandReport

  constructor(message: string, report: CommandReport) {
    super(message)
    this.report = report
  }
}

/** It was told to stop. */
export class Stopped extends Error {
  override name = 'Stopped'

  constructor() {
    super('stopped before its end; start it again to go on')
  }
}
