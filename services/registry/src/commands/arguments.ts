import { type ParseArgsConfig, parseArgs } from 'node:util'
import { ArgumentsInvalid } from './command.ts'

/** The options of a command and what else it was given. @throws {ArgumentsInvalid} */
export function readArguments<O extends NonNullable<ParseArgsConfig['options']>>(args: readonly string[], options: O) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (err) {
    throw new ArgumentsInvalid((err as Error).message, { cause: err })
  }
}

/** The same of a command that is given options alone. @throws {ArgumentsInvalid} */
export function readOptions<O extends NonNullable<ParseArgsConfig['options']>>(args: readonly string[], options: O) {
  const { values, positionals } = readArguments(args, options)
  if (positionals.length > 0) throw new ArgumentsInvalid(`${positionals[0]} is not understood`)
  return values
}

/** A whole number from `least` to `most`. @throws {ArgumentsInvalid} */
export function readCount(name: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined
  const count = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (count >= least && count <= most) return count
  throw new ArgumentsInvalid(`--${name} must be a whole number from ${least} to ${most}`)
}
