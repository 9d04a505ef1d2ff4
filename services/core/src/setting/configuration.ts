import { isDeepStrictEqual } from 'node:util'
import type { Database, Queries } from '@berth/db'
import { BadRequest, Forbidden } from '@berth/errors'
import type { Logger } from '@berth/runtime'
import { requireSystem } from '../access/index.ts'
import type { AuditTrail } from '../audit/index.ts'
import type { Caller } from '../caller/caller.ts'
import type { Seal } from '../secret/index.ts'
import { type Overrides, overriddenBy } from './overrides.ts'
import { brokenRule } from './rules.ts'
import { settingStore } from './setting-store.ts'
import { readStored, type Settings, toStored } from './settings.ts'
import { isSettingName, rowOf, SETTING_NAMES, type SettingName, type SettingValues } from './table.ts'

/** A setting as the API shows it. */
interface ShownSetting {
  value: unknown
  /** False: the environment says it. */
  editable: boolean
}

/** The settings for who may see and change them. */
export interface Configuration {
  /** Every setting but the secret ones. */
  read(caller: Caller): Record<string, ShownSetting>
  /**
   * Changes settings; names that are none are left out. Answers once every service goes by them.
   *
   * @throws {BadRequest} a value that does not fit
   * @throws {Forbidden} the environment says it
   * @throws {Unavailable} saved, not yet in force
   */
  update(caller: Caller, body: Readonly<Record<string, unknown>>): Promise<void>
}

export function createConfiguration(deps: {
  database: Database
  settings: Settings
  seal: Seal
  overrides: Overrides
  audit: AuditTrail
  /** Tells the other services what comes of these, now. */
  inForce: (changed: readonly SettingName[]) => Promise<void>
  /** Throws {BadRequest} unless a syslog server can be reached there. */
  checkEndpoint: (endpoint: string) => Promise<void>
  log: Logger
}): Configuration {
  const { database, settings, seal, overrides, audit, inForce, checkEndpoint, log } = deps

  /** What of this is new to the stored settings, which may be changed, and together with them. */
  async function changes(tx: Queries, wanted: ReadonlyMap<SettingName, unknown>): Promise<Map<SettingName, unknown>> {
    const stored = readStored(await settingStore.all(tx), seal, log)
    const fresh = [...wanted].filter(([name, value]) => !isDeepStrictEqual(stored[name] ?? rowOf(name).default, value))
    for (const [name] of fresh) refuseOverridden(overrides, name)
    const next: SettingValues = { ...stored, ...Object.fromEntries(fresh) }
    const broken = brokenRule(next)
    if (broken) throw new BadRequest(`${broken.setting} ${broken.message}`)
    if (fresh.some(([name]) => name === 'auth_mode') && (await settingStore.hasOtherUsers(tx))) {
      throw new BadRequest('auth_mode cannot be changed any more: there are users beside the admin')
    }
    return new Map(fresh)
  }

  return {
    read(caller) {
      requireSystem(caller, 'configuration', 'read')
      const shown = SETTING_NAMES.filter((name) => !rowOf(name).secret)
      return Object.fromEntries(
        shown.map((name) => [
          name,
          { value: rowOf(name).kind.toJson(settings.get(name)), editable: !overriddenBy(overrides, name) },
        ]),
      )
    },

    async update(caller, body) {
      requireSystem(caller, 'configuration', 'update')
      if (overrides.all)
        throw new Forbidden('CONFIG_OVERWRITE_JSON says what the configuration is: it cannot be changed')
      const wanted = parseChanges(body)
      const endpoint = wanted.get('audit_log_forward_endpoint')
      // Somebody else is asked before anything is locked.
      if (typeof endpoint === 'string' && endpoint && endpoint !== settings.get('audit_log_forward_endpoint')) {
        refuseOverridden(overrides, 'audit_log_forward_endpoint')
        await checkEndpoint(endpoint)
      }
      await database.transaction(async (tx) => {
        await settingStore.lock(tx)
        const fresh = await changes(tx, wanted)
        if (fresh.size === 0) return
        await settingStore.put(tx, new Map([...fresh].map(([name, value]) => [name, toStored(name, value, seal)])))
        const description = [...fresh.keys()].sort().join(', ')
        await audit.record(tx, caller, {
          operation: 'update',
          resourceType: 'configuration',
          resource: 'configuration',
          description,
        })
      })
      await settings.refresh()
      await inForce([...wanted.keys()])
    },
  }
}

/** @throws {BadRequest} names the setting, never its value */
function parseChanges(body: Readonly<Record<string, unknown>>): Map<SettingName, unknown> {
  const wanted = new Map<SettingName, unknown>()
  for (const [name, value] of Object.entries(body)) {
    if (!isSettingName(name)) continue
    const parsed = rowOf(name).kind.shape.safeParse(value)
    if (!parsed.success) throw new BadRequest(`${name} ${parsed.error.issues[0]?.message}`)
    wanted.set(name, parsed.data)
  }
  return wanted
}

function refuseOverridden(overrides: Overrides, name: SettingName): void {
  const variable = overriddenBy(overrides, name)
  if (variable) throw new Forbidden(`${name} is said by ${variable} in the environment: it cannot be changed`)
}
