import { BadRequest, DomainError } from '@berth/errors'

/** One challenge of a `WWW-Authenticate` header; scheme and parameter names are lower-case. */
export interface Challenge {
  readonly scheme: string
  readonly params: Readonly<Record<string, string>>
}

export interface BearerChallenge {
  /** Absolute URL of the token service. */
  readonly realm: string
  readonly service: string
  /** `repository:a/b:pull,push`, several separated by spaces; left out when nothing is asked of a repository. */
  readonly scope?: string
  /** `invalid_token` or `insufficient_scope`, RFC 6750 section 3.1. */
  readonly error?: string
}

/** BAD_GATEWAY (502): another registry sent a `WWW-Authenticate` that cannot be read. */
export class ChallengeInvalid extends DomainError {
  override name = 'ChallengeInvalid'
  readonly code = 'BAD_GATEWAY'
}

const MAX_HEADER_LENGTH = 8192
const MAX_CHALLENGES = 16
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y
const SPACES = /[ \t]*/y
const COMMAS = /[ \t,]*/y
const QUOTED = /"((?:[^"\\]|\\.)*)"/sy
const UNPRINTABLE = /[^\x20-\x7e]/

/**
 * The `Bearer` challenge docker and others follow to the token service. Values are quoted, `"` and `\` escaped.
 *
 * @throws {BadRequest} when a value holds anything but printable ASCII; the realm follows the request's Host
 * @see distribution, "Token Authentication Specification"; RFC 6750, section 3
 */
export function bearerChallenge(challenge: BearerChallenge): string {
  const { realm, service, scope, error } = challenge
  const params = [param('realm', realm), param('service', service)]
  if (scope) params.push(param('scope', scope))
  if (error) params.push(param('error', error))
  return `Bearer ${params.join(',')}`
}

/** @throws {BadRequest} when the realm holds anything but printable ASCII */
export function basicChallenge(realm: string): string {
  return `Basic ${param('realm', realm)}`
}

/**
 * Reads all challenges of a `WWW-Authenticate` header, in order. Time is linear in its length.
 *
 * @throws {ChallengeInvalid} outside the grammar, a parameter twice, longer than 8 KiB or more than 16 challenges
 * @see RFC 9110, section 11.6.1
 */
export function parseChallenges(header: string): Challenge[] {
  if (header.length > MAX_HEADER_LENGTH) throw new ChallengeInvalid('WWW-Authenticate is too long')
  const cursor: Cursor = { text: header, at: 0 }
  const challenges: Challenge[] = []
  take(cursor, COMMAS)
  while (cursor.at < header.length) {
    if (challenges.length === MAX_CHALLENGES) throw new ChallengeInvalid('WWW-Authenticate has too many challenges')
    challenges.push(readChallenge(cursor))
  }
  return challenges
}

interface Cursor {
  readonly text: string
  at: number
}

function param(name: string, value: string): string {
  if (UNPRINTABLE.test(value)) throw new BadRequest(`${name} cannot be put into a challenge`)
  return `${name}="${value.replace(/["\\]/g, '\\$&')}"`
}

function readChallenge(cursor: Cursor): Challenge {
  const scheme = take(cursor, TOKEN)?.toLowerCase()
  if (scheme === undefined) throw malformed(cursor)
  const hasParams = take(cursor, SPACES) !== ''
  const params = new Map<string, string>()
  if (hasParams && take(cursor, TOKEN68) === undefined) {
    for (let pair = readParam(cursor); pair !== undefined; pair = readParam(cursor)) {
      if (params.has(pair.name)) throw new ChallengeInvalid('WWW-Authenticate has a parameter twice')
      params.set(pair.name, pair.value)
      if (!endOfItem(cursor)) throw malformed(cursor)
      take(cursor, COMMAS)
    }
  }
  if (!endOfItem(cursor) && params.size === 0) throw malformed(cursor)
  take(cursor, COMMAS)
  return { scheme, params: Object.fromEntries(params) }
}

/** `name=value`, or nothing and the cursor unmoved when the next word is the scheme of another challenge. */
function readParam(cursor: Cursor): { name: string; value: string } | undefined {
  const start = cursor.at
  const name = take(cursor, TOKEN)?.toLowerCase()
  take(cursor, SPACES)
  if (name === undefined || cursor.text[cursor.at] !== '=') {
    cursor.at = start
    return undefined
  }
  cursor.at++
  take(cursor, SPACES)
  const quoted = take(cursor, QUOTED)
  const value = quoted === undefined ? take(cursor, TOKEN) : quoted.slice(1, -1).replace(/\\(.)/gs, '$1')
  if (value === undefined) throw malformed(cursor)
  return { name, value }
}

function endOfItem(cursor: Cursor): boolean {
  take(cursor, SPACES)
  return cursor.at === cursor.text.length || cursor.text[cursor.at] === ','
}

function take(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at
  const found = pattern.exec(cursor.text)?.[0]
  cursor.at += found?.length ?? 0
  return found
}

function malformed(cursor: Cursor): ChallengeInvalid {
  return new ChallengeInvalid('WWW-Authenticate cannot be read', { detail: { at: cursor.at } })
}
