import { PreconditionFailed } from '@berth/errors'
import type { Logger } from '@berth/runtime'
import type { JWTVerifyGetKey } from 'jose'
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  type CustomFetch,
  calculatePKCECodeChallenge,
  clockTolerance,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
  refreshTokenGrant,
  type TokenEndpointResponse,
  type TokenEndpointResponseHelpers,
  tokenRevocation,
} from 'openid-client'
import type { Claims } from './claims.ts'
import { parseEndpoint } from './endpoint.ts'
import { providerKeys, subjectOfIdToken } from './id-token.ts'
import { reasonOf, translated } from './provider-errors.ts'
import { createRemembered } from './remembered.ts'
import { authorizationParameters } from './scopes.ts'

const TIMEOUT_SECONDS = 5
const SKEW_SECONDS = 30
/** While there is a refresh token, the provider is asked this often at least, however long its tokens live. */
const MAX_ALIVE_MS = 60 * 60_000
const UNTOLD_ALIVE_MS = 5 * 60_000

/** Makes the requests to a provider: through the guard of outgoing connections, believing any certificate if told. */
export type ProviderFetch = (options: { verifyCertificate: boolean }) => CustomFetch

export interface ProviderSettings {
  endpoint: string
  clientId: string
  clientSecret: string
  /** Separated by commas, `openid,email,offline_access`. */
  scope: string
  verifyCertificate: boolean
  extraParameters: Readonly<Record<string, string>>
}

/** What makes one sign-in this browser's own and of this moment. */
interface Checks {
  state: string
  nonce: string
  verifier: string
}

/** What the provider answered for somebody. */
export interface Granted {
  issuer: string
  subject: string
  /** Absent after a refresh, if the provider gives none. */
  idToken?: { raw: string; claims: Claims }
  userInfo?: Claims
  refreshToken?: string
  /** Until when the answer counts, without asking again. */
  aliveUntil: Date
}

/** The provider as configured now. Whatever goes wrong with it is a {DomainError} that says no more than it should. */
export interface Provider {
  /** The `iss` of its tokens. */
  issuer(): Promise<string>
  authorizationUrl(checks: Checks, redirectUri: string): Promise<string>
  /**
   * Makes the code in the query of `callback` into tokens. Their signatures are checked, over TLS too.
   *
   * @throws {BadRequest} the provider refused
   * @throws {Unauthorized} its answer is not one to these checks
   * @throws {Unavailable} it cannot be reached
   */
  exchange(callback: URL, checks: Checks): Promise<Granted>
  /** @throws {GrantEnded} the session at the provider is over */
  refresh(refreshToken: string, who: { issuer: string; subject: string }): Promise<Granted>
  /**
   * Whose ID token this is; `undefined`: none of this provider for us, now.
   *
   * @throws {Unavailable} its keys cannot be read
   */
  verify(token: string): Promise<{ issuer: string; subject: string } | undefined>
  /** Tells the provider to forget the token, if it has a place for that. */
  revoke(refreshToken: string): Promise<void>
  /** Where the browser ends its session at the provider; `undefined`: nowhere. */
  endSessionUrl(idToken: string | undefined, returnTo: string): Promise<string | undefined>
}

interface Discovered {
  config: Configuration
  keys: JWTVerifyGetKey
}

/** Reads what the provider publishes of itself at most every ten minutes; an older reading serves while it is away. */
export function createProvider(deps: {
  settings: () => ProviderSettings
  fetch: ProviderFetch
  log: Logger
}): Provider {
  const { settings, fetch, log } = deps
  const remembered = createRemembered<Discovered>({
    maxAgeMs: 10 * 60_000,
    maxStaleMs: 24 * 60 * 60_000,
    retryMs: 30_000,
  })

  async function open(): Promise<Discovered & { now: ProviderSettings }> {
    const now = settings()
    const { endpoint, clientId, clientSecret, verifyCertificate } = now
    if (endpoint === '' || clientId === '') throw new PreconditionFailed('no sign-in provider is configured')
    const key = JSON.stringify([endpoint, clientId, clientSecret, verifyCertificate])
    const found = await remembered(key, async () => {
      const config = await discover(now, fetch({ verifyCertificate }))
      return { config, keys: providerKeys(config.serverMetadata().jwks_uri ?? '', fetch({ verifyCertificate })) }
    })
    return { ...found, now }
  }

  async function attempt<T>(what: string, work: (opened: Awaited<ReturnType<typeof open>>) => Promise<T>): Promise<T> {
    try {
      return await work(await open())
    } catch (err) {
      const error = translated(err)
      log.warn('the sign-in provider did not do as asked', { what, reason: reasonOf(err), told: error.message })
      throw error
    }
  }

  /** What the userinfo endpoint adds. Some providers have none, or refuse it without a scope; the ID token does then. */
  async function userInfoOf(config: Configuration, accessToken: string, subject: string): Promise<Claims | undefined> {
    if (config.serverMetadata().userinfo_endpoint === undefined) return undefined
    try {
      return await fetchUserInfo(config, accessToken, subject)
    } catch (err) {
      log.warn('the userinfo endpoint did not answer, the ID token serves', { reason: reasonOf(err) })
      return undefined
    }
  }

  return {
    issuer: () => attempt('metadata', async ({ config }) => config.serverMetadata().issuer),

    authorizationUrl: ({ state, nonce, verifier }, redirectUri) =>
      attempt('authorization', async ({ config, now }) => {
        const { authorization_endpoint: endpoint = '' } = config.serverMetadata()
        const url = buildAuthorizationUrl(config, {
          ...authorizationParameters(endpoint, now),
          redirect_uri: redirectUri,
          response_type: 'code',
          state,
          nonce,
          code_challenge: await calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
        })
        return url.href
      }),

    exchange: (callback, { state, nonce, verifier }) =>
      attempt('code', async ({ config }) => {
        const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true }
        const tokens = await authorizationCodeGrant(config, callback, checks)
        const { iss: issuer = '', sub: subject = '' } = tokens.claims() ?? {}
        const userInfo = await userInfoOf(config, tokens.access_token, subject)
        return { issuer, subject, userInfo, ...keptOf(tokens) }
      }),

    refresh: (refreshToken, { issuer, subject }) =>
      attempt('refresh', async ({ config }) => {
        const tokens = await refreshTokenGrant(config, refreshToken)
        const claims = tokens.claims()
        // A token of somebody else's is no answer to the question whether this one may still.
        if (claims && (claims.iss !== issuer || claims.sub !== subject))
          throw translated(new TypeError('other subject'))
        const userInfo = await userInfoOf(config, tokens.access_token, subject)
        return { issuer, subject, userInfo, ...keptOf(tokens, refreshToken) }
      }),

    verify: (token) =>
      attempt('ID token', async ({ config, keys, now }) => {
        const { issuer } = config.serverMetadata()
        const expected = { issuer, clientId: now.clientId, leewaySeconds: SKEW_SECONDS }
        const subject = await subjectOfIdToken(token, keys, expected)
        return subject === undefined ? undefined : { issuer, subject }
      }),

    revoke: (refreshToken) =>
      attempt('revocation', async ({ config }) => {
        if (config.serverMetadata().revocation_endpoint === undefined) return
        await tokenRevocation(config, refreshToken, { token_type_hint: 'refresh_token' })
      }),

    endSessionUrl: (idToken, returnTo) =>
      attempt('logout', async ({ config }) => {
        if (config.serverMetadata().end_session_endpoint === undefined) return undefined
        const hint: Record<string, string> = idToken === undefined ? {} : { id_token_hint: idToken }
        return buildEndSessionUrl(config, { ...hint, post_logout_redirect_uri: returnTo }).href
      }),
  }
}

/**
 * Whether somebody who speaks OpenID Connect answers there, under that very name.
 *
 * @throws {DomainError}
 */
export async function probeProvider(options: { url: string; verifyCertificate: boolean; fetch: ProviderFetch }) {
  const { url, verifyCertificate, fetch } = options
  const nobody = { clientId: 'berth', clientSecret: '', scope: '', extraParameters: {} }
  await discover({ ...nobody, endpoint: url, verifyCertificate }, fetch({ verifyCertificate }))
}

async function discover(settings: ProviderSettings, fetch: ReturnType<ProviderFetch>): Promise<Configuration> {
  const { clientId, clientSecret } = settings
  const url = parseEndpoint(settings.endpoint)
  // Over TLS, everything the provider names must be over TLS too.
  const insecure = url.protocol === 'http:' ? [allowInsecureRequests] : []
  return discovery(url, clientId, { [clockTolerance]: SKEW_SECONDS }, authenticateBy(clientSecret), {
    [customFetch]: fetch,
    timeout: TIMEOUT_SECONDS,
    execute: [...insecure, enableNonRepudiationChecks],
  })
}

/** As the provider wants it: in the header unless it only names the body. */
function authenticateBy(secret: string): ClientAuth {
  if (secret === '') return None()
  const inHeader = ClientSecretBasic(secret)
  const inBody = ClientSecretPost(secret)
  return (server, ...rest) => {
    const { token_endpoint_auth_methods_supported: methods = ['client_secret_basic'] } = server
    const byBody = methods.includes('client_secret_post') && !methods.includes('client_secret_basic')
    return (byBody ? inBody : inHeader)(server, ...rest)
  }
}

function keptOf(
  tokens: TokenEndpointResponse & TokenEndpointResponseHelpers,
  before?: string,
): Pick<Granted, 'idToken' | 'refreshToken' | 'aliveUntil'> {
  const claims = tokens.claims()
  const refreshToken = tokens.refresh_token ?? before
  const told = tokens.expires_in === undefined ? UNTOLD_ALIVE_MS : tokens.expires_in * 1_000
  const aliveMs = refreshToken === undefined ? told : Math.min(told, MAX_ALIVE_MS)
  return {
    idToken: tokens.id_token !== undefined && claims ? { raw: tokens.id_token, claims: { ...claims } } : undefined,
    refreshToken,
    aliveUntil: new Date(Date.now() + aliveMs),
  }
}
