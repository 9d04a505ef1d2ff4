import { type Database, isUniqueViolation, type Page, type Transaction } from '@berth/db'
import { Conflict, NotFound, PreconditionFailed } from '@berth/errors'
import { projectPermits, refusal, requirePerson, rolesIn } from '../access/index.ts'
import type { AuditTrail } from '../audit/index.ts'
import type { Caller, UserCaller } from '../caller/caller.ts'
import { type AccessChanges, projectStore } from '../project/index.ts'
import { userStore } from '../user/index.ts'
import {
  type AccessToken,
  hashAccessToken,
  newAccessToken,
  parseTokenRequest,
  type RawToken,
  type TokenPermission,
  type TokenRequest,
} from './access-token.ts'
import { accessTokenStore } from './access-token-store.ts'

const MAX_TOKENS = 100

/**
 * The use cases of access tokens. They are a person's own business, and need that person: a robot, or somebody who comes
 * with a token, gets 403. Administrators see and revoke those of others.
 */
export interface AccessTokens {
  /** Those of the caller, or of this user for an administrator. */
  list(caller: Caller, userId: number | undefined, page: Page): Promise<{ tokens: AccessToken[]; total: number }>
  /** The token itself is never to be had again. */
  create(caller: Caller, raw: RawToken): Promise<{ token: AccessToken; secret: string }>
  get(caller: Caller, id: number): Promise<AccessToken>
  /** In force before the answer, for what was signed in with it too. */
  revoke(caller: Caller, id: number): Promise<void>
}

export function createAccessTokens(deps: {
  database: Database
  access: AccessChanges
  audit: AuditTrail
  key: Buffer
}): AccessTokens {
  const { database, access, audit, key } = deps

  /** Turns names of projects into ids. A project the person cannot see is refused like one that does not exist. */
  async function resolve(caller: UserCaller, { permissions }: TokenRequest): Promise<TokenPermission[]> {
    const names = permissions.flatMap(({ kind, namespace }) => (kind === 'project' ? [namespace] : []))
    const projects = await projectStore.byNames(
      database,
      names.filter((name) => name !== '*'),
    )
    const roles = await rolesIn(
      database,
      caller,
      projects.map(({ id }) => id),
    )
    return permissions.map(({ kind, namespace, access: pairs }): TokenPermission => {
      if (kind === 'system') return { scope: 'system', access: pairs }
      if (namespace === '*') return { scope: 'every project', access: pairs }
      const project = projects.find(({ name }) => name === namespace)
      const sees = project && projectPermits(caller, project, roles.get(project.id) ?? [])('project', 'read')
      if (!sees) throw caller.admin ? new NotFound(`project ${namespace} not found`) : refusal(caller)
      return { scope: project.id, projectName: namespace, access: pairs }
    })
  }

  function requireOwn(caller: UserCaller, token: AccessToken | undefined, id: number): AccessToken {
    if (token && (token.userId === caller.id || caller.admin)) return token
    throw new NotFound(`access token ${id} not found`)
  }

  /** The projects somebody may hold registry tokens for that were got with it. */
  async function touchedBy(tx: Transaction, { userId, permissions }: AccessToken): Promise<number[] | 'all'> {
    if (!permissions.some(({ scope }) => scope === 'every project')) {
      return permissions.flatMap(({ scope }) => (typeof scope === 'number' ? [scope] : []))
    }
    const owner = await userStore.accountById(tx, userId)
    return owner?.sysadmin || owner?.groupAdmin ? 'all' : projectStore.idsOfMember(tx, userId)
  }

  return {
    async list(caller, userId, page) {
      requirePerson(caller)
      if (userId !== undefined && userId !== caller.id && !caller.admin) throw refusal(caller)
      return accessTokenStore.list(database, userId ?? caller.id, page)
    },

    async create(caller, raw) {
      requirePerson(caller)
      const request = parseTokenRequest(raw)
      const permissions = await resolve(caller, request)
      const secret = newAccessToken()
      const { name, description, lifeDays } = request
      const fresh = { userId: caller.id, name, description, lifeDays, permissions }
      const token = await database.transaction(async (tx) => {
        // Whoever makes two at once has them counted in turn.
        if (!(await userStore.lock(tx, caller.id))) throw refusal(caller)
        if ((await accessTokenStore.countOf(tx, caller.id)) >= MAX_TOKENS) {
          throw new PreconditionFailed(`nobody has more than ${MAX_TOKENS} access tokens; revoke one first`)
        }
        const id = await accessTokenStore
          .insert(tx, { ...fresh, secretHash: hashAccessToken(key, secret) })
          .catch(conflict)
        await audit.record(tx, caller, { operation: 'create', resourceType: 'access-token', resource: name })
        return (await accessTokenStore.find(tx, id)) as AccessToken
      })
      return { token, secret }
    },

    async get(caller, id) {
      requirePerson(caller)
      return requireOwn(caller, await accessTokenStore.find(database, id), id)
    },

    async revoke(caller, id) {
      requirePerson(caller)
      await access.change(caller, async (tx) => {
        const token = requireOwn(caller, await accessTokenStore.lock(tx, id), id)
        await accessTokenStore.remove(tx, id)
        await audit.record(tx, caller, { operation: 'delete', resourceType: 'access-token', resource: token.name })
        return { touches: await touchedBy(tx, token), result: undefined }
      })
    },
  }
}

function conflict(err: unknown): never {
  if (isUniqueViolation(err, 'access_tokens_user_id_name_key')) {
    throw new Conflict('there is an access token of this name already')
  }
  throw err
}
