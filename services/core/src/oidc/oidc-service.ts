import { createHash, randomBytes } from 'node:crypto'
import type { Database } from '@berth/db'
import { BadRequest, PreconditionFailed } from '@berth/errors'
import type { Logger } from '@berth/runtime'
import { randomNonce, randomPKCECodeVerifier, randomState } from 'openid-client'
import type { Caller, UserCaller } from '../caller/caller.ts'
import type { ExternalPerson, Identities } from '../identity/index.ts'
import type { Seal } from '../secret/index.ts'
import type { SessionSignIn } from '../session/index.ts'
import type { Settings } from '../setting/settings.ts'
import { type ClaimSettings, personOf, tellGroups } from './claims.ts'
import { findLogin, sealLogin } from './login-cookie.ts'
import { oidcStore } from './oidc-store.ts'
import { findOnboarding, type Onboarding, sealOnboarding } from './onboarding.ts'
import type { Granted, Provider } from './provider.ts'
import { refusedBy } from './provider-errors.ts'
import { findSecret, PURPOSE } from './purposes.ts'

const CALLBACK = '/c/oidc/callback'
const CLI_SECRET_BYTES = 24
/** A longer ID token would not fit in the URL that ends the session at the provider. */
const MAX_HINT_CHARS = 4_000

/** What a browser brings along. */
export interface Visit {
  /** `https://registry.example`: how it reaches us. */
  base: string
  /** The session it has, if any; a new one takes its place. */
  sid?: string
  address?: string
}

type Finished =
  | { kind: 'signed in'; sid: string; returnTo: string }
  /** The person has to choose a user name; the ticket is their browser's alone. */
  | { kind: 'onboard'; ticket: string; username: string; returnTo: string }

/** Signing in at the provider: there, back again, choosing a name, and out. */
export interface Oidc {
  /**
   * Where the browser goes to sign in, and the cookie it takes along.
   *
   * @throws {Unavailable} the provider cannot be reached
   */
  begin(visit: Visit, returnTo: string): Promise<{ location: string; cookie: string }>
  /**
   * Back from the provider with `query`.
   *
   * @throws {BadRequest} not this browser's sign-in, too late, or the provider refused
   * @throws {Unauthorized} the answer of the provider is not valid
   * @throws {Conflict} with automatic onboarding: the user name is somebody else's
   */
  finish(visit: Visit, query: string, cookie: string | undefined): Promise<Finished>
  /** Who is choosing a name with this ticket; `undefined`: nobody, or it is too late. */
  findOnboarding(ticket: string): Promise<{ username: string; returnTo: string } | undefined>
  /**
   * Makes the user, under the name they chose, and signs them in.
   *
   * @throws {BadRequest} no such ticket, or no user name
   * @throws {Conflict} the user name is somebody else's
   */
  onboard(visit: Visit, ticket: string, username: string): Promise<{ sid: string }>
  /** Ends the session; where to go to end that at the provider, if it began there and is to be ended with ours. */
  signOut(caller: Caller, visit: Visit): Promise<string | undefined>
  /** Takes over what the provider says of somebody who is not signing in just now. */
  bringUpToDate(granted: Granted): Promise<void>
}

export function createOidc(deps: {
  database: Database
  settings: Pick<Settings, 'get'>
  seal: Seal
  provider: Provider
  identities: Pick<Identities, 'signIn'>
  sessions: SessionSignIn
  log: Logger
}): Oidc {
  const { database, settings, seal, provider, identities, sessions, log } = deps

  const claimSettings = (): ClaimSettings => ({
    userClaim: settings.get('oidc_user_claim'),
    groupsClaim: settings.get('oidc_groups_claim'),
    adminGroup: settings.get('oidc_admin_group'),
    groupFilter: settings.get('oidc_group_filter'),
  })
  const describe = ({ issuer, subject, idToken, userInfo }: Granted): ExternalPerson =>
    personOf({ issuer, subject }, { idToken: idToken?.claims, userInfo }, claimSettings())
  const configured = () =>
    createHash('sha256')
      .update(`${settings.get('oidc_endpoint')} ${settings.get('oidc_client_id')}`)
      .digest('base64url')

  function requireMode(): void {
    const mode = settings.get('auth_mode')
    if (mode !== 'oidc_auth') throw new PreconditionFailed(`the authentication mode is ${mode}, not oidc_auth`)
  }

  /** Keeps what the provider granted, and begins a session of ours. */
  async function welcome(caller: UserCaller, granted: Onboarding, visit: Visit): Promise<string> {
    const { person, idToken, refreshToken, aliveUntil } = granted
    const sealed = (secret: string, purpose: string) => seal.close(secret, purpose)
    await oidcStore.keep(database, {
      userId: caller.id,
      issuer: person.issuer,
      subject: person.subject,
      cliSecret: sealed(randomBytes(CLI_SECRET_BYTES).toString('base64url'), PURPOSE.cliSecret(caller.id)),
      refreshToken: refreshToken === undefined ? null : sealed(refreshToken, PURPOSE.refreshToken(caller.id)),
      aliveUntil,
    })
    const sid = await sessions.begin({ ...caller, address: visit.address }, visit.sid)
    const begun = await sessions.find(sid, { renewal: false })
    if (begun?.session) {
      const hint = idToken === undefined || idToken.length > MAX_HINT_CHARS ? null : sealed(idToken, PURPOSE.idToken)
      await oidcStore.addSession(database, begun.session, hint)
    }
    return sid
  }

  return {
    async begin(visit, returnTo) {
      requireMode()
      const checks = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() }
      const redirectUri = `${visit.base}${CALLBACK}`
      const location = await provider.authorizationUrl(checks, redirectUri)
      const login = { ...checks, redirectUri, returnTo, provider: configured(), startedAt: Date.now() }
      return { location, cookie: sealLogin(seal, login) }
    },

    async finish(visit, query, cookie) {
      requireMode()
      const login = findLogin(seal, cookie)
      const answer = new URLSearchParams(query)
      if (!login || login.provider !== configured()) throw new BadRequest('the sign-in took too long; sign in again')
      if (answer.get('state') !== login.state) throw new BadRequest('State mismatch; sign in again')
      const refused = answer.get('error')
      if (refused !== null) throw refusedBy(refused)

      const granted = await provider.exchange(new URL(`${login.redirectUri}?${query}`), login)
      const person = describe(granted)
      const { refreshToken, aliveUntil } = granted
      const kept = { person, idToken: granted.idToken?.raw, refreshToken, aliveUntil, returnTo: login.returnTo }
      const onboard = settings.get('oidc_auto_onboard')
      if (onboard && person.username === '') log.warn('the provider tells no user name', { subject: person.subject })
      const caller = await identities.signIn(person, { onboard })
      if (caller)
        return { kind: 'signed in', sid: await welcome(caller, copied(kept), visit), returnTo: login.returnTo }
      const ticket = await oidcStore.addOnboarding(database, sealOnboarding(seal, copied(kept)))
      return { kind: 'onboard', ticket, username: person.username, returnTo: login.returnTo }
    },

    async findOnboarding(ticket) {
      requireMode()
      const sealed = await oidcStore.findOnboarding(database, ticket)
      const found = sealed === undefined ? undefined : findOnboarding(seal, sealed)
      return found && { username: found.person.username, returnTo: found.returnTo }
    },

    async onboard(visit, ticket, username) {
      requireMode()
      const sealed = await oidcStore.findOnboarding(database, ticket)
      const found = sealed === undefined ? undefined : findOnboarding(seal, sealed)
      if (!found) throw new BadRequest('the sign-in took too long; sign in again')
      const caller = await identities.signIn(found.person, { onboard: true, username })
      if (!caller) throw new BadRequest('the sign-in took too long; sign in again')
      await oidcStore.removeOnboarding(database, ticket)
      return { sid: await welcome(caller, found, visit) }
    },

    async signOut(caller, visit) {
      requireMode()
      if (caller.kind !== 'user' || !caller.session) return undefined
      const begun = await oidcStore.findSession(database, caller.session)
      await sessions.end(caller)
      if (!begun || !settings.get('oidc_logout')) return undefined
      await forget(caller.id)
      const hint = begun.idToken === null ? undefined : findSecret(seal, begun.idToken, PURPOSE.idToken)
      return provider.endSessionUrl(hint, `${visit.base}/`)
    },

    async bringUpToDate(granted) {
      const sources = { idToken: granted.idToken?.claims, userInfo: granted.userInfo }
      if (!tellGroups(sources, settings.get('oidc_groups_claim'))) return
      await identities.signIn(describe(granted), { onboard: false })
    },
  }

  /** Who signs out at the provider has no session there any more, and so no CLI secret either. */
  async function forget(userId: number): Promise<void> {
    const refreshToken = await oidcStore.endNow(database, userId)
    const token = refreshToken && findSecret(seal, refreshToken, PURPOSE.refreshToken(userId))
    if (!token) return
    await provider.revoke(token).catch(() => log.info('a refresh token could not be revoked', { userId }))
  }
}

function copied({ person, ...rest }: Omit<Onboarding, 'person'> & { person: ExternalPerson }): Onboarding {
  return { ...rest, person: { ...person, provider: 'oidc', groups: person.groups.map(({ name }) => ({ name })) } }
}
