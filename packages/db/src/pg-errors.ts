const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
])
const MESSAGES =
  /timeout exceeded when trying to connect|Connection terminated|Query read timeout|Client has encountered a connection error|Timeout acquiring a connection/i

/** Whether Postgres, or the way to it, is what failed, and not the statement. */
export function isUnreachable(err: unknown): boolean {
  if (!(err instanceof Error)) return false
  const code = String((err as { code?: unknown }).code ?? '')
  // 08: connection exception; 57P: shutting down, crashed, starting up; 53300: too many connections.
  if (UNREACHABLE.has(code) || /^(08|57P0[1-3]|53300)/.test(code)) return true
  if (err instanceof AggregateError) return err.errors.some(isUnreachable)
  return MESSAGES.test(err.message)
}

/** Whether a unique constraint, this one if named, was hit. */
export function isUniqueViolation(err: unknown, constraint?: string): boolean {
  const { code, constraint: hit } = (err ?? {}) as { code?: unknown; constraint?: unknown }
  return code === '23505' && (constraint === undefined || hit === constraint)
}
