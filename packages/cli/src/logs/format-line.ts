import type { LogLine } from '@berth/types'
import { printable } from '../table.ts'
import type { Colour } from '../terminal.ts'

const COLOURS: Record<string, Colour> = { error: 'red', warn: 'yellow', info: 'green', debug: 'dim' }
/** Where a line comes from inside its service: of use to a machine, not to a reader. */
const LEFT_OUT = new Set(['timestamp', 'level', 'service', 'replica', 'message', 'instance', 'seq', 'traceId'])

/** `2026-01-31T12:00:00.000Z info  core  project created  name=demo requestId=…`. */
export function formatLine(line: LogLine, paint: (colour: Colour, text: string) => string): string {
  const { timestamp, level, service, message, replica } = line
  const source = replica ? `${service}-${replica}` : service
  const fields = Object.entries(line).filter(([key]) => !LEFT_OUT.has(key))
  const rest = fields.map(([key, value]) => paint('dim', `${printable(key)}=${valueText(value)}`)).join(' ')
  const colour = COLOURS[level] ?? 'dim'
  const head = [paint('dim', printable(timestamp)), paint(colour, level.padEnd(5)), paint('cyan', printable(source))]
  return [...head, printable(message), rest].filter((part) => part !== '').join(' ')
}

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return typeof value === 'string' && /[\s"=]/.test(text) ? JSON.stringify(printable(text)) : printable(text)
}
