import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Provider } from 'oidc-provider'

const TOKEN_SECONDS = 3_600

/** An OpenID provider on 127.0.0.1: a real one, whose people sign in without being asked anything. */
export interface IdentityProvider {
  /** Its endpoint and name. */
  issuer: string
  clientId: string
  clientSecret: string
  /** Claims by subject; `sub` is added. */
  people: Map<string, Record<string, unknown>>
  /** Whose browser it is. Nobody: whoever comes is refused. */
  atBrowser: string | undefined
  /** How long its access and ID tokens live, from now on. */
  tokenSeconds: number
  /** `POST /token` and the like, in order. */
  requests: string[]
  /** Answers nothing but 503 while it is true. */
  isAway: boolean
  /** An ID token of this person for our client, for ten minutes; `changes` replace claims. */
  idToken(sub: string, changes?: Record<string, unknown>): string
  /** Refresh tokens given so far are worth nothing any more. */
  endSessions(): Promise<void>
  stop(): Promise<void>
}

/** For tests. `client` is the URL of whom it signs people in for. */
export async function startIdentityProvider({ client }: { client: string }): Promise<IdentityProvider> {
  const grants: string[] = []
  const handle = { serve: (_req: IncomingMessage, res: ServerResponse): void => void res.end() }
  const server = createServer((req, res) => handle.serve(req, res))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as { port: number }
  const issuer = `http://127.0.0.1:${port}`
  const clientId = 'berth'
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const kid = randomBytes(8).toString('hex')
  const clientSecret = randomBytes(24).toString('base64url')

  const self: IdentityProvider = {
    issuer,
    clientId,
    clientSecret,
    people: new Map(),
    atBrowser: undefined,
    tokenSeconds: TOKEN_SECONDS,
    requests: [],
    isAway: false,
    idToken(sub, changes = {}) {
      const now = Math.floor(Date.now() / 1_000)
      const claims = { iss: issuer, sub, aud: clientId, iat: now, exp: now + 600, ...changes }
      const signed = [{ alg: 'RS256', kid }, claims].map((part) =>
        Buffer.from(JSON.stringify(part)).toString('base64url'),
      )
      return [...signed, sign('RSA-SHA256', Buffer.from(signed.join('.')), privateKey).toString('base64url')].join('.')
    },
    async endSessions() {
      for (const id of grants.splice(0)) await provider.RefreshToken.revokeByGrantId(id)
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }

  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [`${client}/c/oidc/callback`],
        post_logout_redirect_uris: [`${client}/`],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
    ],
    findAccount: (_ctx: unknown, sub: string) => ({ accountId: sub, claims: () => ({ sub, ...self.people.get(sub) }) }),
    claims: { openid: ['sub', 'groups'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    interactions: { url: (_ctx: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    cookies: { keys: [randomBytes(16).toString('hex')] },
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid }] },
    ttl: {
      AccessToken: () => self.tokenSeconds,
      IdToken: () => self.tokenSeconds,
      RefreshToken: TOKEN_SECONDS,
      Grant: TOKEN_SECONDS,
      Interaction: TOKEN_SECONDS,
      Session: TOKEN_SECONDS,
    },
  })

  async function interact(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { prompt, params, session } = await provider.interactionDetails(req, res)
    if (self.atBrowser === undefined) return provider.interactionFinished(req, res, { error: 'access_denied' })
    if (prompt.name === 'login') {
      return provider.interactionFinished(req, res, { login: { accountId: self.atBrowser } })
    }
    const grant = new provider.Grant({ accountId: session?.accountId ?? self.atBrowser, clientId })
    grant.addOIDCScope(params.scope ?? 'openid')
    const grantId = await grant.save()
    grants.push(grantId)
    return provider.interactionFinished(req, res, { consent: { grantId } })
  }

  const answer = provider.callback()
  handle.serve = (req, res) => {
    const path = (req.url ?? '').split('?')[0] ?? ''
    self.requests.push(`${req.method} ${path}`)
    if (self.isAway) {
      res.statusCode = 503
      res.end()
      return
    }
    const served = path.startsWith('/interaction/') ? interact(req, res) : answer(req, res)
    served.catch((err: unknown) => {
      res.statusCode = 500
      res.end(String(err))
    })
  }
  return self
}
