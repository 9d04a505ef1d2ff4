import type { Queries } from '@berth/db'
import { type Answer, answer } from '@berth/messaging'
import { accessGrant, type Credentials, type GrantedAccess, healthCheck, projectResolve } from '@berth/types'
import { grantAccess } from '../access/index.ts'
import type { BasicSignIn } from '../caller/basic-sign-in.ts'
import { ANONYMOUS, type Caller, identityOf } from '../caller/caller.ts'
import type { BearerSignIn } from '../oidc/index.ts'
import { isProjectName, projectStore, registryProjects } from '../project/index.ts'
import type { SessionSignIn } from '../session/index.ts'
import type { Settings } from '../setting/settings.ts'

const CATALOG_SECONDS = 60

/** What core answers other services over NATS. */
export function coreAnswers(deps: {
  database: Queries
  basic: BasicSignIn
  bearer: BearerSignIn
  sessions: SessionSignIn
  settings: Settings
}): Answer[] {
  const { database, basic, bearer, sessions, settings } = deps

  async function callerOf(credentials: Credentials, address?: string): Promise<Caller> {
    if (credentials.kind === 'basic') return basic.signIn(credentials.username, credentials.password, { address })
    if (credentials.kind === 'bearer') return bearer(credentials.token)
    if (credentials.kind === 'session') return (await sessions.find(credentials.sid, { renewal: false })) ?? ANONYMOUS
    return ANONYMOUS
  }

  return [
    answer(accessGrant, async ({ credentials, scopes, address }) => {
      const caller = await callerOf(credentials, address)
      const find = (names: readonly string[]) => projectStore.byNames(database, names)
      const access = await grantAccess(database, find, caller, scopes)
      const tokenSeconds = secondsOf(caller, access, settings.get('token_expiration') * 60)
      return { identity: identityOf(caller), access, tokenSeconds }
    }),
    answer(projectResolve, async ({ name }) => {
      const project = isProjectName(name) ? await projectStore.find(database, { name }) : undefined
      const [told] = project ? await registryProjects(database, [project]) : []
      return { project: told ?? null }
    }),
    answer(healthCheck.core, async () => ({ components: [{ name: 'core' as const, status: 'healthy' as const }] })),
  ]
}

/**
 * What was got with an access token ends when that does. What tells of the catalogue belongs to no project whose access
 * revision could take it back from who administers no more, so it ends soon.
 */
function secondsOf(caller: Caller, access: readonly GrantedAccess[], configured: number): number {
  const seesCatalog = access.some(({ type, actions }) => type === 'registry' && actions.length > 0)
  const seconds = seesCatalog ? Math.min(configured, CATALOG_SECONDS) : configured
  const endsAt = caller.kind === 'user' ? caller.token?.expiresAt : undefined
  return endsAt ? Math.max(1, Math.min(seconds, Math.floor((endsAt.getTime() - Date.now()) / 1_000))) : seconds
}
