import type { IncomingHttpHeaders } from 'node:http'
import { Credentials } from '@berth/types'
import { authenticationRequired } from './issuer.ts'

/** A JWT: nothing else that is carried so is ours to judge. */
const BEARER = /^bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i

/**
 * The credentials of a token request: `Authorization: Basic`, or `Bearer` with an ID token of the provider people sign
 * in at; else the session cookie `sid`, else nobody's.
 *
 * @throws {Unauthorized} another scheme, or a header that cannot be read; it is never taken for nobody's
 */
export function credentialsOf(headers: IncomingHttpHeaders): Credentials {
  const { authorization } = headers
  const token = authorization === undefined ? undefined : BEARER.exec(authorization.trim())?.[1]
  if (token !== undefined) return checked({ kind: 'bearer', token })
  if (authorization !== undefined) return basic(authorization)
  const sid = sessionId(headers.cookie)
  if (sid === undefined) return { kind: 'anonymous' }
  return checked({ kind: 'session', sid })
}

function basic(header: string): Credentials {
  const encoded = /^basic ([\w+/-]+={0,2})$/i.exec(header.trim())?.[1]
  const text = Buffer.from(encoded ?? '', 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon <= 0) throw authenticationRequired()
  return checked({ kind: 'basic', username: text.slice(0, colon), password: text.slice(colon + 1) })
}

function sessionId(cookies: string | undefined): string | undefined {
  const value = cookies
    ?.split(';')
    .map((part) => part.trim())
    .find((part) => part.startsWith('sid='))
    ?.slice('sid='.length)
  if (!value) return undefined
  try {
    return decodeURIComponent(value)
  } catch {
    throw authenticationRequired()
  }
}

function checked(credentials: Credentials): Credentials {
  const result = Credentials.safeParse(credentials)
  if (!result.success) throw authenticationRequired()
  return result.data
}
