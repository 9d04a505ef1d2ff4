import { isAbsolute } from 'node:path'
import { databaseUrl, parseSettings, type ServiceSettings, serviceSettings } from '@berth/runtime'
import { z } from 'zod'

export interface Config extends ServiceSettings {
  databaseUrl: string
  storageRoot: string
  /** `https://host`, without a slash at the end; absent: as the request says. */
  externalUrl?: string
}

/** @throws {SettingInvalid} */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const own = parseSettings(
    z.object({
      BERTH_STORAGE: z.enum(['filesystem'], 'must be filesystem').default('filesystem'),
      BERTH_REGISTRY_ROOT: z.string().refine(isAbsolute, 'must be an absolute path'),
      BERTH_EXTERNAL_URL: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
    }),
    env,
  )
  return {
    ...serviceSettings('registry', env),
    databaseUrl: databaseUrl('registry', env),
    storageRoot: own.BERTH_REGISTRY_ROOT,
    externalUrl: own.BERTH_EXTERNAL_URL?.replace(/\/+$/, ''),
  }
}
