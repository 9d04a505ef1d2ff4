import { basicChallenge, bearerChallenge } from '@berth/oci'
import type { Need } from './caller.ts'
import type { NotAuthorized } from './not-authorized.ts'

const SERVICE = 'harbor-registry'
const SCOPE_ACTIONS = { pull: 'pull', push: 'pull,push', delete: 'delete' } as const

/**
 * The `WWW-Authenticate` of a 401. Only who came without credentials, or with a token that no longer holds, is sent to
 * the token service; who is known and refused is asked for other credentials.
 *
 * @param base `https://host` of the public door
 */
export function challengeOf(err: NotAuthorized, needs: readonly Need[], base: string): string {
  if (err.challenge === 'denied') return basicChallenge('harbor')
  const scope = needs.map(({ name, action }) => `repository:${name}:${SCOPE_ACTIONS[action]}`).join(' ')
  return bearerChallenge({
    realm: `${base}/service/token`,
    service: SERVICE,
    ...(scope && { scope }),
    ...(err.challenge === 'stale-token' && { error: 'invalid_token' }),
  })
}
