import type { Queries } from '@berth/db'
import { type Answer, answer } from '@berth/messaging'
import { accessGrant, type Credentials, healthCheck, projectResolve } from '@berth/types'
import { grantAccess } from '../access/index.ts'
import type { BasicSignIn } from '../caller/basic-sign-in.ts'
import { ANONYMOUS, type Caller, identityOf } from '../caller/caller.ts'
import type { BearerSignIn } from '../oidc/index.ts'
import { isProjectName, projectStore, registryProjects } from '../project/index.ts'
import type { SessionSignIn } from '../session/index.ts'
import type { Settings } from '../setting/settings.ts'

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
      return {
        identity: identityOf(caller),
        access: await grantAccess(database, find, caller, scopes),
        tokenSeconds: secondsOf(caller, settings.get('token_expiration') * 60),
      }
    }),
    answer(projectResolve, async ({ name }) => {
      const project = isProjectName(name) ? await projectStore.find(database, { name }) : undefined
      const [told] = project ? await registryProjects(database, [project]) : []
      return { project: told ?? null }
    }),
    answer(healthCheck.core, async () => ({ components: [{ name: 'core' as const, status: 'healthy' as const }] })),
  ]
}

/** What was got with an access token ends when that does. */
function secondsOf(caller: Caller, seconds: number): number {
  const endsAt = caller.kind === 'user' ? caller.token?.expiresAt : undefined
  return endsAt ? Math.max(1, Math.min(seconds, Math.floor((endsAt.getTime() - Date.now()) / 1_000))) : seconds
}
