import { z } from 'zod'
import { defineAsk } from '../ask.ts'
import { LogLevel, LogLine } from '../log.ts'

export const linesSearch = defineAsk({
  service: 'log-collector',
  noun: 'lines',
  verb: 'search',
  summary: 'Log lines of every service, the newest first; for administrators',
  effect: 'read',
  caller: 'person',
  timeoutMs: 20_000,
  request: z.object({
    from: z.iso.datetime().optional(),
    to: z.iso.datetime().optional(),
    service: z.string().max(64).optional(),
    /** This level and the graver ones. */
    level: LogLevel.optional(),
    /** Found anywhere in the line, whatever its case. */
    text: z.string().max(512).optional(),
    requestId: z.string().max(128).optional(),
    /** `next` of the page before. */
    cursor: z.string().max(512).optional(),
    limit: z.number().int().min(1).max(1000).default(100),
  }),
  response: z.object({
    lines: z.array(LogLine),
    next: z.string().optional(),
    /** Lines that never reached the collector, by service, since it keeps count. */
    dropped: z.record(z.string(), z.number().int().nonnegative()),
  }),
})
