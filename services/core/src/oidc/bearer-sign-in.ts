import type { Queries } from '@berth/db'
import { Unauthorized } from '@berth/errors'
import type { UserCaller } from '../caller/caller.ts'
import type { Identities } from '../identity/index.ts'
import type { Settings } from '../setting/settings.ts'
import { oidcStore } from './oidc-store.ts'
import type { Provider } from './provider.ts'

/**
 * Who an ID token belongs to that a provider gave somebody's program for us.
 *
 * @throws {Unauthorized} it is none, or nobody's
 * @throws {Unavailable} the keys of the provider cannot be read
 */
export type BearerSignIn = (token: string) => Promise<UserCaller>

/**
 * In OIDC mode an ID token is as good as its owner at a browser, as in Harbor, until it expires or they sign out at the
 * provider. Its owner must have signed in here before.
 */
export function createBearerSignIn(deps: {
  database: Queries
  settings: Pick<Settings, 'get'>
  provider: Pick<Provider, 'verify'>
  identities: Pick<Identities, 'find'>
}): BearerSignIn {
  const { database, settings, provider, identities } = deps
  return async (token) => {
    const isOn = settings.get('auth_mode') === 'oidc_auth'
    const who = isOn ? await provider.verify(token) : undefined
    const user = who && (await identities.find({ provider: 'oidc', ...who }))
    const person = user && (await oidcStore.byId(database, user.userId))
    if (!person || person.ended) throw new Unauthorized('unauthorized')
    return { kind: 'user', id: person.userId, name: person.username, admin: person.admin }
  }
}
