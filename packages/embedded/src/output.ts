const COLOURS = [36, 32, 35, 33, 34, 96, 92, 95] as const
const LEVEL_COLOURS: Record<string, number> = { error: 31, warn: 33, debug: 90 }
/** What may wait for a reader that does not read; the suite does not wait for it. */
const WAITING_BYTES = 1024 * 1024

/** Where the suite's own words and the lines of its parts go. */
export interface Output {
  /** A line of a part; on a terminal with its name before it and in colour, elsewhere as it is. */
  part(name: string, line: string): void
  /** Text of the suite itself, as it is. */
  say(text: string): void
}

export function createOutput(stream: NodeJS.WriteStream, wide: number): Output {
  let dropped = 0
  let gathered = ''
  // Whoever read us has gone; the suite goes on.
  stream.on('error', () => undefined)
  process.once('exit', release)

  /** Lines that come together are written together: a write costs more than the line. */
  function release(): void {
    if (gathered !== '') stream.write(gathered)
    gathered = ''
  }

  function write(line: string): void {
    if (stream.writableLength + gathered.length > WAITING_BYTES) {
      dropped++
      return
    }
    if (gathered === '') setImmediate(release)
    if (dropped > 0) gathered += `(${dropped} lines were not read and are left out)\n`
    dropped = 0
    gathered += `${line}\n`
  }

  return {
    part: (name, line) => write(stream.isTTY ? decorated(name, line, wide) : line),
    say: write,
  }
}

function decorated(name: string, line: string, wide: number): string {
  let sum = 0
  for (const letter of name) sum = (sum * 31 + letter.charCodeAt(0)) % 997
  return `${coloured(name.padEnd(wide), COLOURS[sum % COLOURS.length] ?? 36)} │ ${readable(line)}`
}

/** A JSON line for people: time, level, message, the remaining fields. */
function readable(line: string): string {
  const fields = parseLine(line)
  if (!fields) return harmless(line)
  const { timestamp, level, message, service: _s, instance: _i, seq: _n, replica: _r, traceId: _t, ...rest } = fields
  const shown = Object.entries(rest).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const time = coloured(String(timestamp).slice(11, 19), 90)
  const text = harmless(`${String(level).padEnd(5)} ${message}`)
  return `${time} ${coloured(text, LEVEL_COLOURS[String(level)] ?? 39)} ${coloured(harmless(shown.join(' ')), 90)}`
}

/** What a client sends ends up in lines; on a terminal it must not steer it. */
function harmless(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ')
}

function parseLine(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function coloured(text: string, colour: number): string {
  return `\u001b[${colour}m${text}\u001b[0m`
}
