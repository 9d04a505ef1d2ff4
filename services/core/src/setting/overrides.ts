import { isDeepStrictEqual } from 'node:util'
import type { Database } from '@berth/db'
import { type Logger, SettingInvalid } from '@berth/runtime'
import type { Seal } from '../secret/index.ts'
import { brokenRule } from './rules.ts'
import { settingStore } from './setting-store.ts'
import { readStored, toStored } from './settings.ts'
import { isSettingName, rowOf, SETTING_NAMES, type SettingName, type SettingValues } from './table.ts'

const WHOLE = 'CONFIG_OVERWRITE_JSON'

/** What the environment says about the settings. */
export interface Overrides {
  readonly values: ReadonlyMap<SettingName, unknown>
  /** `CONFIG_OVERWRITE_JSON` is set: nothing can be changed through the API. */
  readonly all: boolean
}

/**
 * Reads `CONFIG_OVERWRITE_JSON` and, for what it does not name, the name Harbor has in the environment for each setting.
 *
 * @throws {SettingInvalid} a value that does not fit, or a name that is none
 */
export function readOverrides(env: NodeJS.ProcessEnv): Overrides {
  const values = new Map<SettingName, unknown>()
  for (const name of SETTING_NAMES) {
    const { env: variable, kind } = rowOf(name)
    const text = variable === undefined ? undefined : env[variable]
    if (variable !== undefined && text) values.set(name, fitting(name, kind.ofText(text), variable))
  }
  const whole = env[WHOLE]
  if (!whole) return { values, all: false }
  for (const [name, value] of Object.entries(parseWhole(whole))) {
    if (!isSettingName(name)) throw new SettingInvalid(`${WHOLE}: has no setting ${name.slice(0, 100)}`)
    const given = typeof value === 'string' ? rowOf(name).kind.ofText(value) : value
    values.set(name, fitting(name, given, WHOLE))
  }
  return { values, all: true }
}

/** The variable a setting comes from, if it does. */
export function overriddenBy(overrides: Overrides, name: SettingName): string | undefined {
  if (overrides.all) return WHOLE
  return overrides.values.has(name) ? rowOf(name).env : undefined
}

/**
 * Stores what the environment says, so that it is the same for every replica and service, and stays in force when the
 * environment says nothing more.
 *
 * @throws {SettingInvalid} settings that do not go together
 */
export async function applyOverrides(database: Database, overrides: Overrides, seal: Seal, log: Logger): Promise<void> {
  const { values } = overrides
  if (values.size === 0) return
  const changed = await database.transaction(async (tx) => {
    await settingStore.lock(tx)
    const stored: SettingValues = readStored(await settingStore.all(tx), seal, log)
    const broken = brokenRule({ ...stored, ...Object.fromEntries(values) })
    if (broken)
      throw new SettingInvalid(`${overriddenBy(overrides, broken.setting) ?? broken.setting}: ${broken.message}`)
    const fresh = [...values].filter(([name, value]) => !isDeepStrictEqual(stored[name], value))
    return settingStore.put(tx, new Map(fresh.map(([name, value]) => [name, toStored(name, value, seal)])))
  })
  if (changed.length > 0) log.info('settings were taken from the environment', { settings: changed.sort() })
}

function parseWhole(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    throw new SettingInvalid(`${WHOLE}: must be JSON`)
  }
  throw new SettingInvalid(`${WHOLE}: must be a JSON object`)
}

function fitting(name: SettingName, value: unknown, variable: string): unknown {
  const parsed = rowOf(name).kind.shape.safeParse(value)
  if (parsed.success) return parsed.data
  const what = parsed.error.issues[0]?.message
  throw new SettingInvalid(variable === WHOLE ? `${WHOLE}: ${name} ${what}` : `${variable}: ${what}`)
}
