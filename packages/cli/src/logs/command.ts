import { LOG_LEVELS, type LogLine } from '@berth/types'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { UsageError } from '../exit.ts'
import { openSession } from '../session.ts'
import type { Terminal, World } from '../terminal.ts'
import { followLines } from './follow.ts'
import { formatLine } from './format-line.ts'
import { type LineFilter, searchLines } from './search.ts'
import { parseMoment } from './since.ts'
import { oldestFirst } from './tail.ts'

interface LogsOptions {
  service?: string
  level?: string
  since?: string
  until?: string
  text?: string
  requestId?: string
  limit: number
  follow?: boolean
}

/** `berth logs`: the lines of every service, the oldest first; with `-o json` one object for each line. */
export function logsCommand(program: Command, world: World): void {
  program
    .command('logs')
    .description('log lines of every service, oldest first; with -o json one JSON object on each line')
    .option('--service <name>', 'of this service only')
    .addOption(new Option('--level <level>', 'this level and the graver ones').choices(LOG_LEVELS))
    .option('--since <when>', 'a moment (2026-01-31T12:00:00Z) or a span (10m, 2h, 7d)')
    .option('--until <when>', 'the same, for the end')
    .option('--text <text>', 'lines that hold this text, whatever its case')
    .option('--request-id <id>', 'lines of one request')
    .option('--limit <count>', 'at most so many, the newest', wholeNumber, 100)
    .option('-f, --follow', 'go on with every line that comes')
    .action(async (options: LogsOptions, command: Command) => {
      const { terminal, api } = openSession(world, command)
      const filter = toFilter(options, Date.now())
      const print = (lines: readonly LogLine[]) => {
        for (const line of lines) terminal.line(textOf(terminal, line))
      }
      if (options.follow) {
        if (filter.to) throw new UsageError('--follow has no end: leave --until out')
        return follow(terminal, { filter, limit: options.limit, signal: world.stop }, await api(), print)
      }
      const { limit } = options
      const isEnough = (lines: readonly LogLine[]) => lines.length >= limit
      const found = await searchLines(await api(), filter, { isEnough, pageLines: limit, signal: world.stop })
      print(oldestFirst(found.lines.slice(0, limit)))
      sayDropped(terminal, found.dropped, {})
    })
}

async function follow(
  terminal: Terminal,
  options: { filter: LineFilter; limit: number; signal: AbortSignal },
  api: Parameters<typeof followLines>[0],
  print: (lines: readonly LogLine[]) => void,
): Promise<void> {
  let dropped: Record<string, number> = {}
  let trouble: string | undefined
  await followLines(api, {
    ...options,
    onLines: (found) => {
      print(found.lines)
      sayDropped(terminal, found.dropped, dropped)
      dropped = found.dropped
    },
    onTrouble: (err) => {
      if (err && err.message !== trouble) terminal.say(`berth: ${err.message}; will look again`)
      if (!err && trouble !== undefined) terminal.say('berth: the lines go on')
      trouble = err?.message
    },
  })
}

function toFilter(options: LogsOptions, nowMs: number): LineFilter {
  const { service, level, text, requestId, since, until } = options
  return {
    service,
    level,
    text,
    requestId,
    from: since === undefined ? undefined : parseMoment(since, nowMs).toISOString(),
    to: until === undefined ? undefined : parseMoment(until, nowMs).toISOString(),
  }
}

function textOf(terminal: Terminal, line: LogLine): string {
  return terminal.output === 'json' ? JSON.stringify(line) : formatLine(line, terminal.paint)
}

/** Only what is new since the last time. */
function sayDropped(terminal: Terminal, dropped: Record<string, number>, before: Record<string, number>): void {
  for (const [service, count] of Object.entries(dropped)) {
    if (count > (before[service] ?? 0)) terminal.say(`berth: ${count} lines of ${service} never reached the collector`)
  }
}

function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text) || Number(text) === 0) throw new InvalidArgumentError('a whole number from 1')
  return Number(text)
}
