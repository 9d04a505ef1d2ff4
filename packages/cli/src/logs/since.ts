import { UsageError } from '../exit.ts'

const UNIT_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * A moment as RFC 3339, or so long before `nowMs`: `90s`, `10m`, `2h30m`, `7d`.
 *
 * @throws {UsageError}
 */
export function parseMoment(text: string, nowMs: number): Date {
  if (/^(?:\d+[smhd])+$/.test(text)) {
    const parts = text.matchAll(/(\d+)([smhd])/g)
    return new Date(nowMs - parts.reduce((sum, [, count, unit = 's']) => sum + Number(count) * (UNIT_MS[unit] ?? 0), 0))
  }
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at))
    throw new UsageError(`${text} is neither a moment (2026-01-31T12:00:00Z) nor a span (10m, 2h, 7d)`)
  return new Date(at)
}
