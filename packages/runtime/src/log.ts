import { randomBytes } from 'node:crypto'
import { LOG_LEVELS, type LogLevel } from '@berth/types'
import winston from 'winston'
import Transport from 'winston-transport'
import { currentContext } from './context.ts'
import { redact } from './redact.ts'

type Fields = Record<string, unknown>

/** A line is a fixed sentence and fields; `err` is written with name, code, message and stack. */
export interface Logger {
  error(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  info(message: string, fields?: Fields): void
  debug(message: string, fields?: Fields): void
}

/** Takes each finished line; must not wait and must not throw. */
export type LogSink = (line: { service: string; level: LogLevel; json: string }) => void

export interface ServiceLogger extends Logger {
  /** Sends every further line there as well as to stdout. */
  addSink(sink: LogSink): void
}

const MESSAGE = Symbol.for('message')

class SinkTransport extends Transport {
  readonly #service: string
  readonly #sink: LogSink

  constructor(service: string, sink: LogSink) {
    super()
    this.#service = service
    this.#sink = sink
  }

  override log(info: { level: string; [MESSAGE]?: string }, done: () => void): void {
    this.#sink({ service: this.#service, level: info.level as LogLevel, json: String(info[MESSAGE]) })
    done()
  }
}

/** Lines are gathered so long before they are printed; trouble is printed at once. */
const PRINT_MS = 10

let printed: string[] = []
let printing: NodeJS.Timeout | undefined

function print(): void {
  clearTimeout(printing)
  printing = undefined
  if (printed.length === 0) return
  const text = `${printed.join('\n')}\n`
  printed = []
  process.stdout.write(text)
}
process.once('exit', print)

/** Writes several lines to stdout together; none is lost when the process ends by itself. */
class StdoutTransport extends Transport {
  override log(info: { level: string; [MESSAGE]?: string }, done: () => void): void {
    printed.push(String(info[MESSAGE]))
    if (info.level === 'error' || info.level === 'warn') print()
    else printing ??= setTimeout(print, PRINT_MS).unref()
    done()
  }
}

/** A line is built before winston sees it, which would otherwise join a field named `message` to the sentence. */
const asItIs = winston.format((info) => Object.assign(info, { [MESSAGE]: info.message }))

/** JSON lines on stdout: time, level, service, instance, a number that counts them, the request id, then the fields. */
export function createLogger(options: { service: string; level: LogLevel; replica?: number }): ServiceLogger {
  const { service, level, replica } = options
  const instance = randomBytes(6).toString('hex')
  let seq = 0
  const logger = winston.createLogger({
    levels: Object.fromEntries(LOG_LEVELS.map((name, index) => [name, index])),
    level,
    format: asItIs(),
    transports: [new StdoutTransport()],
  })
  const write = (at: LogLevel) => {
    // Asked before the line is counted: a line nobody hears must not leave a gap.
    if (LOG_LEVELS.indexOf(at) > LOG_LEVELS.indexOf(level)) return () => undefined
    return (message: string, fields: Fields = {}) => {
      const { err, ...rest } = fields
      const context = currentContext()
      const head = {
        timestamp: new Date().toISOString(),
        level: at,
        service,
        ...(replica === undefined ? {} : { replica }),
        instance,
        seq: ++seq,
        message,
        ...(context && { requestId: context.requestId, traceId: context.traceparent.slice(3, 35) }),
      }
      const shown = redact(err === undefined ? rest : { ...rest, err }) as Fields
      // Spread twice: the head stands first, and no field can overwrite it.
      logger.log({ level: at, message: JSON.stringify({ ...head, ...shown, ...head }) })
    }
  }
  return {
    error: write('error'),
    warn: write('warn'),
    info: write('info'),
    debug: write('debug'),
    addSink: (sink) => void logger.add(new SinkTransport(service, sink)),
  }
}

/** Swallows everything; for tests and tools that speak for themselves. */
export const silentLogger: ServiceLogger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  addSink: () => undefined,
}
