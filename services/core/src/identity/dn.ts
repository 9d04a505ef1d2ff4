const PIECES = /\\[0-9a-f]{2}|\\.|[^\\]+|\\/gisu
const HEX = /^\\[0-9a-f]{2}$/i
const TYPE = /^(?:[a-z][a-z0-9-]*|\d+(?:\.\d+)*)$/
const MAX_DN_CHARS = 2_000

/**
 * A distinguished name in the one form it is compared and stored in: lower case, no space around separators, runs of
 * spaces as one, each character escaped in one way, the parts of a multi-valued name sorted. `undefined`: no name by
 * the grammar, the empty one, or more than 2,000 characters.
 *
 * @see RFC 4514; RFC 4518, insignificant space handling
 */
export function findDn(text: string): string | undefined {
  if (text.length > MAX_DN_CHARS || text.trim() === '') return undefined
  const names: string[] = []
  for (const name of splitOutside(text, ',;')) {
    const pairs: string[] = []
    for (const pair of splitOutside(name, '+')) {
      const normal = normalPair(pair)
      if (normal === undefined) return undefined
      pairs.push(normal)
    }
    names.push(pairs.toSorted().join('+'))
  }
  return names.join(',')
}

/** The value of the first part: of `cn=devs,ou=groups` it is `devs`, as it was written. */
export function leafOf(dn: string): string | undefined {
  const [name = ''] = splitOutside(dn, ',;')
  const [pair = ''] = splitOutside(name, '+')
  return unescaped(pair.slice(pair.indexOf('=') + 1))
}

/** Parts between these separators, where they are neither escaped nor quoted. */
function splitOutside(text: string, separators: string): string[] {
  const parts: string[] = []
  let part = ''
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === '\\') {
      part += char + text.charAt(++at)
    } else if (!quoted && separators.includes(char)) {
      parts.push(part)
      part = ''
    } else {
      if (char === '"') quoted = !quoted
      part += char
    }
  }
  return [...parts, part]
}

function normalPair(pair: string): string | undefined {
  const equals = pair.indexOf('=')
  const type = pair
    .slice(0, equals)
    .trim()
    .toLowerCase()
    .replace(/^oid\./, '')
  const value = equals < 0 ? undefined : unescaped(pair.slice(equals + 1))
  if (value === undefined || !TYPE.test(type)) return undefined
  const folded = value.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim()
  return `${type}=${folded.replace(/[\\,+"<>;=#]/g, '\\$&')}`
}

/** What a value stands for, without its escapes and quotes. */
function unescaped(raw: string): string | undefined {
  const trimmed = trimUnescaped(raw)
  const text = /^".*"$/s.test(trimmed) ? trimmed.slice(1, -1) : trimmed
  const bytes: Buffer[] = []
  for (const [piece] of text.matchAll(PIECES)) {
    if (piece === '\\') return undefined
    if (HEX.test(piece)) bytes.push(Buffer.from(piece.slice(1), 'hex'))
    else bytes.push(Buffer.from(piece.replace(/^\\/, '')))
  }
  const value = Buffer.concat(bytes).toString('utf8')
  return /\p{Cc}/u.test(value) ? undefined : value
}

/** A space that is escaped belongs to the value. */
function trimUnescaped(raw: string): string {
  const start = raw.trimStart()
  const end = start.trimEnd()
  const slashes = /\\*$/.exec(end)?.[0].length ?? 0
  return slashes % 2 === 1 && end.length < start.length ? `${end} ` : end
}
