import { databaseUrl, parseSettings, type ServiceSettings, serviceSettings } from '@berth/runtime'
import { z } from 'zod'
import { type StorageSettings, storageSettings } from './storage/index.ts'

export interface Config extends ServiceSettings {
  databaseUrl: string
  storage: StorageSettings
  /** `https://host`, without a slash at the end; absent: as the request says. */
  externalUrl?: string
  gc: GcSettings
  /** How fast stored bytes are read again to see whether they are still what they were; 0: never. */
  scrubBytesPerSecond: number
}

export interface GcSettings {
  /** How long a blob nobody refers to is spared after it was last touched. */
  windowMs: number
  /** How long a condemned blob can still be revived. */
  graceMs: number
}

/** @throws {SettingInvalid} */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const own = parseSettings(
    z.object({
      BERTH_EXTERNAL_URL: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
    }),
    env,
  )
  return {
    ...serviceSettings('registry', env),
    databaseUrl: databaseUrl('registry', env),
    storage: storageSettings(env),
    externalUrl: own.BERTH_EXTERNAL_URL?.replace(/\/+$/, ''),
    ...upkeepSettings(env),
  }
}

/** Of what keeps tables and storage right. @throws {SettingInvalid} */
export function upkeepSettings(env: NodeJS.ProcessEnv): Pick<Config, 'gc' | 'scrubBytesPerSecond'> {
  const count = (preset: number) => z.coerce.number('must be a number').min(0, 'must not be negative').default(preset)
  const own = parseSettings(
    z.object({
      GC_TIME_WINDOW_HOURS: count(2),
      BERTH_REGISTRY_GC_GRACE_SECONDS: count(10),
      BERTH_REGISTRY_SCRUB_MIB_PER_SECOND: count(8),
    }),
    env,
  )
  return {
    gc: {
      windowMs: own.GC_TIME_WINDOW_HOURS * 3_600_000,
      graceMs: own.BERTH_REGISTRY_GC_GRACE_SECONDS * 1_000,
    },
    scrubBytesPerSecond: own.BERTH_REGISTRY_SCRUB_MIB_PER_SECOND * 1_048_576,
  }
}
