/** Exit codes of `npm start`; outsiders rely on them (docs/contract.md). */
export const EXIT = { stopped: 0, failed: 1, wrongSetting: 2, portTaken: 3, dataDirectory: 4, missingPart: 5 } as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** The suite cannot start for a reason its operator can mend: one line for stderr and an exit code. */
export class StartRefused extends Error {
  override name = 'StartRefused'
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, what: string, where: string, options: { cause?: unknown } = {}) {
    super(`berth: ${what} (${where})`.replaceAll(/\s+/g, ' '), options)
    this.exitCode = exitCode
  }
}
