import type { Say } from './say.ts'

const POSTGRES_LEVELS = {
  DEBUG: 'debug',
  LOG: 'info',
  INFO: 'info',
  NOTICE: 'info',
  WARNING: 'warn',
  ERROR: 'warn',
  FATAL: 'warn',
  PANIC: 'error',
} as const

/** Makes log lines of what Postgres writes; its DETAIL, HINT and the like belong to the line before them. */
export function postgresLines(say: Say): (line: string) => void {
  return (line) => {
    const match = /^([A-Z]+)\d?: {2}(.*)$/s.exec(line)
    const level = match && POSTGRES_LEVELS[match[1] as keyof typeof POSTGRES_LEVELS]
    if (level) say(level, match[2] ?? '', match[1] === 'LOG' ? {} : { severity: match[1] })
    else if (match) say('info', match[2] ?? '', { about: match[1]?.toLowerCase() })
    else if (line.trim() !== '') say('info', line.trim())
  }
}

const NATS_LEVELS = { INF: 'info', DBG: 'debug', TRC: 'debug', WRN: 'warn', ERR: 'error', FTL: 'error' } as const
// Our configuration is readable by its owner alone, and its banner says nothing.
const NATS_NOISE = /Plaintext passwords detected|^[\s_|/\\(),<>'V-]*$|docs\.nats\.io|^-+ JETSTREAM -+$/

/** Makes log lines of what nats-server writes. */
export function natsLines(say: Say): (line: string) => void {
  return (line) => {
    const match = /^\[\d+\] (?:\S+ \S+ )?\[([A-Z]{3})\] (.*)$/s.exec(line)
    const text = (match?.[2] ?? line).trim()
    if (text === '' || NATS_NOISE.test(text)) return
    // Indented lines spell out its configuration.
    const isDetail = match?.[2]?.startsWith('  ') ?? false
    say(isDetail ? 'debug' : (NATS_LEVELS[match?.[1] as keyof typeof NATS_LEVELS] ?? 'info'), text)
  }
}
