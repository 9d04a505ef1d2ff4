import { RequestRefused } from './request-refused.ts'

const MAX_PATH_LENGTH = 4096
/** Services decode once or twice; whoever encodes deeper wants to be read differently by somebody. */
const MAX_ROUNDS = 4
const PAIR = /%[0-9a-f]{2}/i
const CONTROL = /\p{Cc}/u
const DOT_SEGMENT = /\/\.{1,2}(?:[/;]|$)/
const HIDDEN_SEPARATOR = /%(?:2f|5c|25)/i
const V2 = /^\/v2(?:\/|$)/i

/**
 * Takes the path off a request target, as it was sent. It is never rewritten: what could be read as another path is
 * refused instead, also after decoding it as often as a service behind us might. `a%252Fb` and `%2F` belong to the
 * API and pass; in a `/v2` path nothing may hide a separator.
 *
 * @throws {RequestRefused} the target is no plain path
 */
export function parsePath(target: string): string {
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  if (!path.startsWith('/')) throw refused(path, 'the request target is not a path')
  if (path.length > MAX_PATH_LENGTH) throw refused(path, 'the path is too long')
  if (/[^!-~]|#/.test(path)) throw refused(path, 'the path has characters that must be encoded')
  if (query >= 0 && /[\s#\p{Cc}]/u.test(target.slice(query))) throw refused(path, 'the query has control characters')
  if (path.includes('//')) throw refused(path, 'the path has an empty part')
  checkPlain(path, path)
  if (path.includes('%')) checkDecoded(path)
  return path
}

function checkDecoded(path: string): void {
  let text = path
  for (let round = 0; PAIR.test(text) || round === 0; round++) {
    if (round === MAX_ROUNDS) throw refused(path, 'the path is encoded too often')
    const decoded = decode(text)
    if (decoded === undefined) {
      if (round === 0 || PAIR.test(text)) throw refused(path, 'the path has an invalid percent-encoding')
      return
    }
    checkPlain(path, decoded)
    if (V2.test(decoded) && HIDDEN_SEPARATOR.test(text)) throw refused(path, 'the path hides a separator')
    text = decoded
  }
}

function checkPlain(path: string, text: string): void {
  if (CONTROL.test(text)) throw refused(path, 'the path has control characters')
  if (text.includes('\\')) throw refused(path, 'the path has a backslash')
  if (DOT_SEGMENT.test(text)) throw refused(path, 'the path has a dot segment')
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function refused(path: string, message: string): RequestRefused {
  return new RequestRefused(message, { code: V2.test(path) ? 'NAME_INVALID' : 'BAD_REQUEST' })
}
