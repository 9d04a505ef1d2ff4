import { z } from 'zod'

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const
export const LogLevel = z.enum(LOG_LEVELS)
export type LogLevel = z.output<typeof LogLevel>

/**
 * One line, as it is printed, published on `log.<service>.<level>` and kept; a message holds one or several, a newline
 * between them. Further fields stand beside these.
 */
export const LogLine = z.looseObject({
  timestamp: z.iso.datetime(),
  level: LogLevel,
  service: z.string(),
  message: z.string(),
  /** Of the process: a random id, new at each start. */
  instance: z.string().optional(),
  /** Counts the lines of one instance from 1; a gap is a loss. */
  seq: z.number().int().positive().optional(),
  requestId: z.string().optional(),
})
export type LogLine = z.output<typeof LogLine>

export function logSubject(service: string, level: LogLevel): string {
  return `log.${service}.${level}`
}
