import type { LogLevel, LogLine } from '@berth/types'
import { LOG_LEVELS } from '@berth/types'

export interface Filter {
  /** Both ends counted in. */
  fromMs: number
  toMs: number
  service?: string
  /** This one and the graver ones. */
  level?: LogLevel
  /** Anywhere in the line, whatever its case. */
  text?: string
  requestId?: string
}

export interface LineFilter {
  /** Whether a stretch of lines may hold one that fits; false is sure. */
  mayHold(lines: Buffer): boolean
  /** The line, if it fits. */
  match(json: string): LogLine | undefined
}

export function createLineFilter(filter: Filter): LineFilter {
  const { fromMs, toMs, service, level, requestId } = filter
  const worst = level === undefined ? LOG_LEVELS.length : LOG_LEVELS.indexOf(level)
  const texts = filter.text === undefined ? [] : spellings(filter.text)
  const idInJson = requestId === undefined ? undefined : JSON.stringify(requestId)

  const holdsText = (json: string) => {
    if (texts.length === 0) return true
    const lower = json.toLowerCase()
    return texts.some((text) => lower.includes(text))
  }
  return {
    mayHold: (lines) =>
      (idInJson === undefined || lines.includes(idInJson)) && (texts.length === 0 || holdsText(lines.toString('utf8'))),
    match(json) {
      if (idInJson !== undefined && !json.includes(idInJson)) return undefined
      if (!holdsText(json)) return undefined
      const line = parse(json)
      if (!line) return undefined
      const ms = Date.parse(line.timestamp)
      const fits =
        ms >= fromMs &&
        ms <= toMs &&
        (service === undefined || line.service === service) &&
        LOG_LEVELS.indexOf(line.level) <= worst &&
        (requestId === undefined || line.requestId === requestId)
      return fits ? line : undefined
    },
  }
}

/** As it is, and as JSON writes it inside a string. */
function spellings(text: string): string[] {
  const lower = text.toLowerCase()
  return [...new Set([lower, JSON.stringify(lower).slice(1, -1)])]
}

function parse(json: string): LogLine | undefined {
  try {
    return JSON.parse(json) as LogLine
  } catch {
    return undefined
  }
}
