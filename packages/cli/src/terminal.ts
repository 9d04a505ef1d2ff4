import type { Readable, Writable } from 'node:stream'
import { styleText } from 'node:util'
import { type Column, table } from './table.ts'

/** The world around a command, handed in so that a test can be it. */
export interface World {
  env: NodeJS.ProcessEnv
  cwd: string
  stdin: Readable & { isTTY?: boolean; setRawMode?: (raw: boolean) => unknown }
  stdout: Writable & { isTTY?: boolean }
  stderr: Writable & { isTTY?: boolean; columns?: number }
  /** Ends a command that would go on for ever. */
  stop: AbortSignal
}

export const OUTPUTS = ['table', 'json', 'config'] as const
export type Output = (typeof OUTPUTS)[number]

export type Colour = 'red' | 'yellow' | 'green' | 'cyan' | 'dim' | 'bold'

/** Results on stdout, everything else on stderr. */
export interface Terminal {
  readonly output: Output
  /** One line of result. */
  line(text: string): void
  /** The value as JSON. */
  json(value: unknown): void
  /** Rows as a table or, with `-o json`, `value` (else the rows) as JSON. */
  rows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], value?: unknown): void
  /** A remark on stderr. */
  say(text: string): void
  /** Coloured when stdout is a terminal and NO_COLOR is not set. */
  paint(colour: Colour, text: string): string
}

export function openTerminal(world: World, output: Output): Terminal {
  const line = (text: string) => void world.stdout.write(`${text}\n`)
  const json = (value: unknown) => line(JSON.stringify(value, null, 2))
  const paint = (colour: Colour, text: string) =>
    text === '' || world.env.NO_COLOR ? text : styleText(colour, text, { stream: world.stdout })
  return {
    output,
    line,
    json,
    rows: (rows, columns, value) => {
      if (output === 'json') return json(value ?? rows)
      for (const text of table(rows, columns, (title) => paint('dim', title))) line(text)
    },
    say: (text) => void world.stderr.write(`${text}\n`),
    paint,
  }
}
