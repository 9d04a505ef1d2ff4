import { isAbsolute } from 'node:path'
import { parseSettings } from '@berth/runtime'
import { z } from 'zod'

/** Where the bytes of blobs are kept. */
export type StorageSettings = { driver: 'filesystem'; root: string }

/** @throws {SettingInvalid} */
export function storageSettings(env: NodeJS.ProcessEnv): StorageSettings {
  const own = parseSettings(
    z.object({
      BERTH_STORAGE: z.enum(['filesystem'], 'must be filesystem').default('filesystem'),
      BERTH_REGISTRY_ROOT: z.string().refine(isAbsolute, 'must be an absolute path'),
    }),
    env,
  )
  return { driver: own.BERTH_STORAGE, root: own.BERTH_REGISTRY_ROOT }
}
