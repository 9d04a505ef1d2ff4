import { DomainError } from '@berth/errors'
import type { Need } from './caller.ts'

/**
 * UNAUTHORIZED (401), with the challenge it is answered with: `token` asks for one, `stale-token` for a newer one,
 * `denied` says that these credentials will not do.
 */
export class NotAuthorized extends DomainError {
  override name = 'NotAuthorized'
  readonly code = 'UNAUTHORIZED'
  readonly challenge: 'token' | 'stale-token' | 'denied'

  constructor(challenge: 'token' | 'stale-token' | 'denied', need?: Need | 'catalog', cause?: unknown) {
    super(textOf(need), { cause })
    this.challenge = challenge
  }
}

/** Scripts match this text, both halves of it. */
function textOf(need: Need | 'catalog' | undefined): string {
  if (need === undefined) return 'unauthorized: unauthorized'
  if (need === 'catalog') return 'unauthorized to list catalog: unauthorized to list catalog'
  const text = `unauthorized to access repository: ${need.name}, action: ${need.action}`
  return `${text}: ${text}`
}
