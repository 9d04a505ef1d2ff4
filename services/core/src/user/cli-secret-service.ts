import type { Database } from '@berth/db'
import { BadRequest, NotFound, PreconditionFailed } from '@berth/errors'
import { refusal, requireSignedIn, systemPermits } from '../access/index.ts'
import type { AuditTrail } from '../audit/index.ts'
import { type Caller, isAdmin } from '../caller/caller.ts'
import { findSecret, type OidcPerson, oidcStore, PURPOSE } from '../oidc/index.ts'
import type { Seal } from '../secret/index.ts'
import type { Settings } from '../setting/settings.ts'
import { satisfiesPasswordRule } from './user.ts'

/** What the profile of somebody who signs in by OIDC shows beside the rest. */
export interface OidcMeta {
  userId: number
  /** Subject and issuer, one behind the other as in Harbor. */
  subiss: string
  /** Empty for everybody but themselves at a browser. */
  secret: string
  createdAt: Date
  updatedAt: Date
}

/** The secrets people of an OIDC provider use as passwords in docker and other programs. */
export interface CliSecrets {
  /**
   * @throws {PreconditionFailed} another mode than OIDC
   * @throws {NotFound} no such user, or one who has never signed in at the provider
   * @throws {BadRequest} outside the rule of passwords
   */
  set(caller: Caller, userId: number, secret: string | undefined): Promise<void>
  /** `undefined`: not in OIDC mode, or nobody who signs in at the provider. */
  metaOf(caller: Caller, userId: number): Promise<OidcMeta | undefined>
}

export function createCliSecrets(deps: {
  database: Database
  settings: Pick<Settings, 'get'>
  seal: Seal
  audit: AuditTrail
}): CliSecrets {
  const { database, settings, seal, audit } = deps

  /** A secret is as good as the person: who may not be them, or make them one's own, does not set it. */
  function requireMaySet(caller: Caller, userId: number, person: OidcPerson | undefined): asserts person is OidcPerson {
    const isSelf = caller.kind === 'user' && caller.id === userId && caller.token === undefined
    if (!isSelf && !systemPermits(caller)('user', 'update')) throw refusal(caller)
    if (!person) throw new NotFound(`user ${userId} does not sign in by OIDC`)
    if (!isSelf && person.admin && !isAdmin(caller)) throw refusal(caller)
  }

  return {
    async set(caller, userId, secret = '') {
      requireSignedIn(caller)
      const mode = settings.get('auth_mode')
      if (mode !== 'oidc_auth') throw new PreconditionFailed(`there are no CLI secrets in the mode ${mode}`)
      const person = await oidcStore.byId(database, userId)
      requireMaySet(caller, userId, person)
      if (!satisfiesPasswordRule(secret)) {
        throw new BadRequest(
          'the secret must have 8 to 128 characters, among them an upper-case and a lower-case letter and a digit',
        )
      }
      await database.transaction(async (tx) => {
        await oidcStore.setSecret(tx, userId, seal.close(secret, PURPOSE.cliSecret(userId)))
        const entry = { operation: 'update', resourceType: 'user', resource: person.username } as const
        await audit.record(tx, caller, { ...entry, description: 'CLI secret' })
      })
    },

    async metaOf(caller, userId) {
      if (settings.get('auth_mode') !== 'oidc_auth') return undefined
      const person = await oidcStore.byId(database, userId)
      if (!person) return undefined
      const { issuer, subject, cliSecret, createdAt, updatedAt } = person
      const isSelf = caller.kind === 'user' && caller.id === userId && caller.session !== undefined
      const secret = isSelf ? (findSecret(seal, cliSecret, PURPOSE.cliSecret(userId)) ?? '') : ''
      return { userId, subiss: `${subject}${issuer}`, secret, createdAt, updatedAt }
    },
  }
}
