import { EgressFailed, EgressRefused } from '@berth/egress'
import { BadRequest, DomainError, Unauthorized, Unavailable } from '@berth/errors'
import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client'

const UNREACHABLE = new Set(['OAUTH_TIMEOUT', 'OAUTH_ABORT', 'OAUTH_RESPONSE_IS_NOT_CONFORM'])

/** The provider says that what it once gave is worth nothing any more. */
export class GrantEnded extends DomainError {
  override name = 'GrantEnded'
  readonly code = 'UNAUTHORIZED'
}

/** What went wrong with the provider, in words for whoever wanted to sign in: nothing of where it is or what it said. */
export function translated(err: unknown): DomainError {
  if (err instanceof EgressRefused || err instanceof EgressFailed) return unreachable()
  if (err instanceof DomainError) return err
  if (err instanceof AuthorizationResponseError) return refusedBy(err.error)
  if (err instanceof ResponseBodyError) {
    if (err.status >= 500) return unreachable()
    if (err.error === 'invalid_grant') return new GrantEnded('the sign-in provider refused: invalid_grant')
    return refusedBy(err.error)
  }
  // Without a code it is what our own connection threw.
  if (err instanceof ClientError && err.code !== undefined && !UNREACHABLE.has(err.code)) {
    return new Unauthorized('the answer of the sign-in provider is not valid')
  }
  return unreachable()
}

/** An error code of RFC 6749 or OpenID Connect; anything else is not repeated. */
export function refusedBy(error: string): BadRequest {
  const code = /^[a-z_]{1,40}$/.test(error) ? error : 'an error'
  return new BadRequest(`the sign-in provider refused: ${code}`)
}

function unreachable(): Unavailable {
  return new Unavailable('the sign-in provider cannot be reached')
}

/** For the log: the texts of an error and its causes. Not what they carry, which can be tokens. */
export function reasonOf(err: unknown): string {
  const texts: string[] = []
  for (let one = err; one instanceof Error && texts.length < 4; one = one.cause) texts.push(one.message)
  return texts.join(': ')
}
