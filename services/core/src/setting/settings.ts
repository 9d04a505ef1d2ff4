import type { Queries } from '@berth/db'
import type { Logger } from '@berth/runtime'
import type { Seal } from '../secret/index.ts'
import { type StoredSettings, settingStore } from './setting-store.ts'
import { isSettingName, rowOf, type SettingName, type SettingValue, type SettingValues } from './table.ts'

export interface Settings {
  /** What is in force; its default unless something is stored that fits. */
  get<N extends SettingName>(name: N): SettingValue<N>
  /** Reads again what is stored. */
  refresh(): Promise<void>
}

/** The settings of this process, as of the last time it looked. */
export interface KnownSettings extends Settings {
  /** Raised by every change of any setting, the same on every replica. */
  readonly revision: number
}

/** Keeps what is stored in mind; a value that does not fit counts as not stored. */
export function createSettings(db: Queries, seal: Seal, log: Logger): KnownSettings {
  let known: SettingValues = {}
  let revision = -1
  return {
    get revision() {
      return revision
    },
    get: (name) => (known[name] ?? rowOf(name).default) as never,
    async refresh() {
      const stored = await settingStore.all(db)
      // What was asked for earlier may come later.
      if (stored.revision <= revision) return
      known = readStored(stored, seal, log)
      revision = stored.revision
    },
  }
}

/** What of the stored values fits. */
export function readStored({ values }: StoredSettings, seal: Seal, log: Logger): SettingValues {
  const read: Record<string, unknown> = {}
  for (const [name, value] of values) {
    if (!isSettingName(name)) continue
    try {
      read[name] = rowOf(name).kind.shape.parse(opened(name, value, seal))
    } catch (err) {
      log.error('a stored setting cannot be read, its default holds', { setting: name, why: (err as Error).name })
    }
  }
  return read as SettingValues
}

/** As it goes into the table: secrets are sealed, everything else is as it is. */
export function toStored(name: SettingName, value: unknown, seal: Seal): unknown {
  if (!rowOf(name).secret || value === '') return value
  return { sealed: seal.close(value as string, purposeOf(name)) }
}

/** What the secret of a setting is closed for. */
export function purposeOf(name: string): string {
  return `setting ${name}`
}

/** The sealed text of a stored secret; undefined: it stands there as it is. */
function sealedText(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('sealed' in value)) return undefined
  return typeof value.sealed === 'string' ? value.sealed : undefined
}

function opened(name: SettingName, value: unknown, seal: Seal): unknown {
  const sealed = rowOf(name).secret ? sealedText(value) : undefined
  return sealed === undefined ? value : seal.open(sealed, purposeOf(name))
}
