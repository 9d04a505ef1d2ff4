import type { Delivered } from '@berth/messaging'
import { LogLevel, LogLine } from '@berth/types'

/** A log line on its way into a file. */
export interface Line {
  service: string
  level: LogLevel
  /** Milliseconds since 1970. */
  ms: number
  /** Of the process that said it, and the number it gave the line. */
  instance?: string
  seq?: number
  /** One line of JSON with its newline. */
  bytes: Buffer
}

/** A clock further off than this is not believed: files are searched by time. */
const MAX_SKEW_MS = 60_000
const MAX_BYTES = 128 * 1024
const KEPT_CHARS = 8_192
const NEWLINE = Buffer.from('\n')
/** Lines of ours; other text may have a newline of its own. */
const BETWEEN = Buffer.from('}\n{"timestamp":')

type Message = Pick<Delivered, 'subject' | 'data' | 'storedAtMs'>

/**
 * Reads one message of `log.<service>.<level>`: a line, or several with a newline between them. Nothing is refused: what
 * is no log line becomes the text of one. The subject says whose line it is, since nobody can publish on the subject of
 * another.
 */
export function parseLines(message: Message): Line[] {
  const text = Buffer.from(message.data.buffer, message.data.byteOffset, message.data.byteLength)
  if (!text.includes(BETWEEN)) return [parseText(message, text)]
  const pieces: Buffer[] = []
  for (let at = 0; at <= text.length; ) {
    const end = text.indexOf(NEWLINE, at)
    const piece = text.subarray(at, end < 0 ? text.length : end)
    at += piece.length + 1
    if (piece.length > 0) pieces.push(piece)
  }
  return pieces.map((piece) => parseText(message, piece))
}

function parseText(message: Message, text: Buffer): Line {
  const { storedAtMs } = message
  const [, service = 'unknown', subjectLevel] = message.subject.split('.')
  const found = readLine(text)
  if (!found) {
    const level = LogLevel.catch('info').parse(subjectLevel)
    return rewritten({ timestamp: iso(storedAtMs), level, service, message: cut(text.toString('utf8')) })
  }
  const ms = Date.parse(found.timestamp)
  const isSkewed = !(Math.abs(ms - storedAtMs) <= MAX_SKEW_MS)
  const asItIs = !isSkewed && found.service === service && text.length <= MAX_BYTES && !text.includes(NEWLINE)
  if (asItIs) return { ...placeOf(found, ms), bytes: Buffer.concat([text, NEWLINE]) }
  const { timestamp } = found
  const line: LogLine = { ...found, ...(isSkewed && { timestamp: iso(storedAtMs), saidAt: timestamp }), service }
  return rewritten(text.length <= MAX_BYTES ? line : shortened(line))
}

function readLine(text: Buffer): LogLine | undefined {
  try {
    return LogLine.safeParse(JSON.parse(text.toString('utf8'))).data
  } catch {
    return undefined
  }
}

function placeOf(line: LogLine, ms: number): Omit<Line, 'bytes'> {
  return { service: line.service, level: line.level, ms, instance: line.instance, seq: line.seq }
}

function rewritten(line: LogLine): Line {
  return { ...placeOf(line, Date.parse(line.timestamp)), bytes: Buffer.from(`${JSON.stringify(line)}\n`) }
}

function shortened({ timestamp, level, service, instance, seq, requestId, message }: LogLine): LogLine {
  return { timestamp, level, service, instance, seq, requestId, message: cut(message), cut: true }
}

function cut(text: string): string {
  return text.length > KEPT_CHARS ? `${text.slice(0, KEPT_CHARS)}…` : text
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
