import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Queries } from '@berth/db'
import { type PasswordSource, wrongCredentials } from '../caller/basic-sign-in.ts'
import type { UserCaller } from '../caller/caller.ts'
import type { Seal } from '../secret/index.ts'
import type { Settings } from '../setting/settings.ts'
import { opensToCliSecret } from './cli-paths.ts'
import { type OidcPerson, oidcStore } from './oidc-store.ts'
import type { ProviderSessions } from './provider-sessions.ts'
import { findSecret, PURPOSE } from './purposes.ts'

/**
 * Signs people of the provider in by their CLI secrets, in OIDC mode. Never from memory: whether the provider still
 * vouches for them is looked up each time, and asked when it is long ago.
 */
export function createCliSignIn(deps: {
  database: Queries
  settings: Pick<Settings, 'get'>
  seal: Seal
  sessions: ProviderSessions
}): PasswordSource {
  const { database, settings, seal, sessions } = deps
  // Opened for names nobody has, so that they take as long as others.
  const dummy = seal.close(randomBytes(16).toString('hex'), PURPOSE.cliSecret(0))

  function isSecretOf(person: OidcPerson | undefined, secret: string): boolean {
    const stored = findSecret(seal, person?.cliSecret ?? dummy, PURPOSE.cliSecret(person?.userId ?? 0))
    return stored !== undefined && timingSafeEqual(digest(stored), digest(secret)) && person !== undefined
  }

  return {
    isActive: () => settings.get('auth_mode') === 'oidc_auth',
    isRemembered: false,
    async signIn(username, secret, origin): Promise<UserCaller | undefined> {
      if (!opensToCliSecret(origin)) throw wrongCredentials()
      const person = await oidcStore.byName(database, username)
      if (!isSecretOf(person, secret) || !person) return undefined
      if (!(await sessions.isAlive(person))) return undefined
      if (person.alive) return callerOf(person)
      // The provider was asked, and may have said that they administer no more.
      const now = await oidcStore.byId(database, person.userId)
      return now && callerOf(now)
    },
  }
}

function callerOf({ userId, username, admin }: OidcPerson): UserCaller {
  return { kind: 'user', id: userId, name: username, admin }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
