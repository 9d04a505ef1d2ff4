import { REGISTRY_AUDIENCE, SUITE_AUDIENCE } from '@berth/access'
import { DomainError, Unauthorized } from '@berth/errors'
import type { accessGrant, Credentials, GrantedAccess, Identity, RequestOf, ResponseOf, Scope } from '@berth/types'
import { narrow } from './narrow.ts'
import type { Sign, SignedToken } from './signer.ts'

/** Long enough for one call, however slow. */
const PERSON_SECONDS = 300

export interface TokenRequest {
  credentials: Credentials
  scopes: readonly Scope[]
  /** Of the client, as the gateway saw it. */
  address?: string
}

export interface Issuer {
  /**
   * A token for `/v2`: what was asked, as far as core allows it.
   *
   * @throws {Unauthorized} wrong credentials, or none and nothing asked
   * @throws {Unavailable} core cannot be reached
   */
  forClient(request: TokenRequest): Promise<SignedToken & { access: GrantedAccess[] }>
  /** A short token, good for content and for the suite, for somebody core has authenticated. */
  forPerson(person: {
    name: string
    kind: 'user' | 'robot'
    id: number
    admin: boolean
    access: GrantedAccess[]
  }): Promise<SignedToken>
}

/** Asks core who somebody is and what they may do. */
export type Grant = (request: RequestOf<typeof accessGrant>) => Promise<ResponseOf<typeof accessGrant>>

export function createIssuer(deps: { grant: Grant; sign: Sign; onIssued?: (kind: string) => void }): Issuer {
  const { grant, sign, onIssued = () => undefined } = deps
  return {
    async forClient({ credentials, scopes, address }) {
      if (credentials.kind === 'anonymous' && scopes.length === 0) throw authenticationRequired()
      const {
        identity,
        access: granted,
        tokenSeconds,
      } = await authenticated(() => grant({ credentials, scopes: [...scopes], address }))
      const access = narrow(scopes, granted, identity.kind)
      // A client's token says nothing of administration: it is worth what was asked of it, whoever asked.
      const statement = { aud: REGISTRY_AUDIENCE, access, ...whoIs({ ...identity, admin: false }) }
      const signed = await sign(statement, tokenSeconds)
      onIssued(identity.kind)
      return { ...signed, access }
    },
    async forPerson({ name, kind, id, admin, access }) {
      const statement = { aud: [SUITE_AUDIENCE, REGISTRY_AUDIENCE], access, ...whoIs({ name, kind, id, admin }) }
      const signed = await sign(statement, PERSON_SECONDS)
      onIssued('person')
      return signed
    },
  }
}

function whoIs({ kind, name, id, admin }: Identity) {
  if (kind === 'anonymous') return { sub: '' }
  return { sub: name, who: { kind, id }, ...(admin ? { admin: true } : {}) }
}

/** Whatever was wrong with the credentials, the answer is the same. */
async function authenticated<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (err) {
    if (err instanceof DomainError && err.code === 'UNAUTHORIZED') throw authenticationRequired(err)
    throw err
  }
}

/** The words clients show after a failed login. */
export function authenticationRequired(cause?: unknown): Unauthorized {
  return new Unauthorized('authentication required', { cause })
}
