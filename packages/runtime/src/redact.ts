const SECRET_KEY =
  /^(?:authorization|proxy-authorization|cookie|set-cookie|pass(?:phrase)?|.*(?:password|passwd|secret|token|credential|private_?key|secret_?key|api_?key|access_?key))$/i
const SECRET_TEXT: readonly [RegExp, string][] = [
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 [redacted]'],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, '[redacted]'],
  [/(\w+:\/\/[^\s/:@]*):[^\s/@]+@/g, '$1:[redacted]@'],
]
/** What every one of these has in it; most texts have none of it. */
const SUSPICIOUS = /bearer|basic|eyJ|:\/\//i
const MAX_DEPTH = 6
/** The names of fields are few, unless somebody logs a map. */
const MAX_KNOWN_KEYS = 2_000
const knownKeys = new Map<string, boolean>()
const MAX_TEXT = 8_192

/** The value with secrets taken out, by the name of the field and by the look of the text; depth and length bounded. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return value.toString()
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Error) return serialiseError(value)
  if (depth >= MAX_DEPTH) return '[too deep]'
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => redact(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, isSecret(key) ? '[redacted]' : redact(item, depth + 1)]),
  )
}

function isSecret(key: string): boolean {
  let known = knownKeys.get(key)
  if (known === undefined) {
    known = SECRET_KEY.test(key)
    if (knownKeys.size < MAX_KNOWN_KEYS) knownKeys.set(key, known)
  }
  return known
}

export function redactText(text: string): string {
  if (text.length <= MAX_TEXT && !SUSPICIOUS.test(text)) return text
  let out = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
  for (const [pattern, replacement] of SECRET_TEXT) out = out.replace(pattern, replacement)
  return out
}

/** What a log keeps of an error: name, code, message, stack and cause; a plain JSON format would print `{}`. */
export function serialiseError(err: unknown, depth = 0): unknown {
  if (!(err instanceof Error)) return redact(err)
  const { code, cause } = err as { code?: unknown; cause?: unknown }
  return {
    name: err.name,
    ...(code === undefined ? {} : { code: String(code) }),
    message: redactText(err.message),
    stack: redactText(err.stack ?? ''),
    ...(cause === undefined || depth > 3 ? {} : { cause: serialiseError(cause, depth + 1) }),
  }
}
