import type { Database } from '@berth/db'
import { requireSignedIn, requireSystem } from '../access/index.ts'
import type { AuditTrail } from '../audit/index.ts'
import type { Caller } from '../caller/caller.ts'
import type { PolicyChanges } from '../project/index.ts'
import type { Allowlist, AllowlistText } from './allowlist.ts'
import { allowlistStore } from './allowlist-store.ts'

/** The use cases of the suite's allowlist; projects change their own. */
export interface SuiteAllowlist {
  /** For whoever has signed in. */
  get(caller: Caller): Promise<Allowlist>
  /** In force in every project that heeds it once this resolves. */
  put(caller: Caller, allowlist: AllowlistText): Promise<void>
}

export function createSuiteAllowlist(deps: {
  database: Database
  policies: PolicyChanges
  audit: AuditTrail
}): SuiteAllowlist {
  const { database, policies, audit } = deps
  return {
    async get(caller) {
      requireSignedIn(caller)
      return allowlistStore.ofSuite(database)
    },
    async put(caller, allowlist) {
      requireSystem(caller, 'configuration', 'update')
      await policies.changeSuite(caller, async (tx) => {
        await allowlistStore.put(tx, undefined, allowlist)
        await audit.record(tx, caller, {
          operation: 'update',
          resourceType: 'allowlist',
          resource: 'system',
          description: `${allowlist.cves.length} CVEs`,
        })
      })
    },
  }
}
