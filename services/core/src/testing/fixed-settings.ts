import type { Settings } from '../setting/index.ts'
import { rowOf, type SettingValues } from '../setting/table.ts'

/** For tests without a database: these values, and the default of everything else. Changes of `values` hold at once. */
export function fixedSettings(values: SettingValues = {}): Settings {
  return {
    get: (name) => (values[name] ?? rowOf(name).default) as never,
    refresh: async () => undefined,
  }
}
