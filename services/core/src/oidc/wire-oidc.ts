import type { Database } from '@berth/db'
import type { Egress } from '@berth/egress'
import type { Logger } from '@berth/runtime'
import type { Router } from 'express'
import type { PasswordSource } from '../caller/basic-sign-in.ts'
import type { Identities } from '../identity/index.ts'
import type { Seal } from '../secret/index.ts'
import type { SessionSignIn, SignInElsewhere } from '../session/index.ts'
import type { Settings } from '../setting/index.ts'
import { ADMIN_ID, userStore } from '../user/index.ts'
import { type BearerSignIn, createBearerSignIn } from './bearer-sign-in.ts'
import { createCliSignIn } from './cli-sign-in.ts'
import { oidcRoutes } from './oidc-routes.ts'
import { createOidc } from './oidc-service.ts'
import { oidcPingRoutes } from './ping-routes.ts'
import { createProvider, type ProviderFetch, type ProviderSettings } from './provider.ts'
import { createProviderSessions } from './provider-sessions.ts'

const TIMEOUT_MS = 5_000

export interface OidcFeature {
  /** CLI secrets, as passwords. */
  passwords: PasswordSource
  /** ID tokens, as bearer credentials. */
  bearer: BearerSignIn
  /** In OIDC mode everybody but the admin signs in at the provider, whether we know the name or not. */
  elsewhere: SignInElsewhere
  /** `/c/oidc/*`, `/oidc-onboard` */
  browser: Router
  /** Below `/api/v2.0`. */
  harbor: Router
}

/** Signing in at an OIDC provider, built from what it needs of the other features. */
export function wireOidc(deps: {
  database: Database
  settings: Pick<Settings, 'get'>
  seal: Seal
  egress: Pick<Egress, 'openFetch'>
  identities: Identities
  sessions: SessionSignIn
  externalUrl?: string
  log: Logger
}): OidcFeature {
  const { database, settings, seal, identities, sessions, externalUrl, log } = deps
  const fetch = providerFetch(deps.egress)
  const provider = createProvider({ settings: () => providerSettings(settings), fetch, log })
  const oidc = createOidc({ database, settings, seal, provider, identities, sessions, log })
  const { bringUpToDate } = oidc
  const alive = createProviderSessions({ database, seal, provider, bringUpToDate, log })
  return {
    passwords: createCliSignIn({ database, settings, seal, sessions: alive }),
    bearer: createBearerSignIn({ database, settings, provider, identities }),
    async elsewhere(principal) {
      if (settings.get('auth_mode') !== 'oidc_auth') return undefined
      const account = await userStore.accountByName(database, principal)
      return account?.id === ADMIN_ID ? undefined : '/c/oidc/login'
    },
    browser: oidcRoutes(oidc, externalUrl),
    harbor: oidcPingRoutes(fetch, log),
  }
}

/** Connections of their own for providers whose certificate is not checked. */
function providerFetch(egress: Pick<Egress, 'openFetch'>): ProviderFetch {
  const strict = egress.openFetch({ timeoutMs: TIMEOUT_MS })
  const lax = egress.openFetch({ timeoutMs: TIMEOUT_MS, verifyCertificate: false })
  return ({ verifyCertificate }) => (verifyCertificate ? strict : lax).fetch
}

function providerSettings(settings: Pick<Settings, 'get'>): ProviderSettings {
  return {
    endpoint: settings.get('oidc_endpoint'),
    clientId: settings.get('oidc_client_id'),
    clientSecret: settings.get('oidc_client_secret'),
    scope: settings.get('oidc_scope'),
    verifyCertificate: settings.get('oidc_verify_cert'),
    extraParameters: settings.get('oidc_extra_redirect_parms'),
  }
}
