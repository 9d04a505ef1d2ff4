import { DomainError, statusOf } from '@berth/errors'
import { SettingInvalid } from '@berth/runtime'
import { CommanderError } from 'commander'

/** Exit codes of `berth`; scripts rely on them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, notFound: 3 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** The command line itself is wrong, or a setting it needs is. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** What was named is not there. */
export class NotThere extends Error {
  override name = 'NotThere'
}

/** It did not work out, for a reason the message says whole. */
export class CommandFailed extends Error {
  override name = 'CommandFailed'
}

/** It was told to stop before its end. */
export class Interrupted extends CommandFailed {
  override name = 'Interrupted'
}

export function exitCodeOf(err: unknown): ExitCode {
  if (err instanceof CommanderError) return err.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (err instanceof UsageError || err instanceof SettingInvalid) return EXIT.usage
  if (err instanceof NotThere) return EXIT.notFound
  if (err instanceof DomainError) {
    const status = err.status ?? statusOf(err.code)
    if (status === 404) return EXIT.notFound
    if (status === 400) return EXIT.usage
  }
  return EXIT.failed
}

/** One line for stderr; undefined where commander has said it already. */
export function messageOf(err: unknown): string | undefined {
  if (err instanceof CommanderError) return undefined
  const text = err instanceof Error ? err.message : String(err)
  return `berth: ${text.replaceAll(/\s+/g, ' ').trim()}`
}
