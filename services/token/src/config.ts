import { databaseUrl, parseSettings, type ServiceSettings, secretKeySetting, serviceSettings } from '@berth/runtime'
import { z } from 'zod'
import { ALGORITHMS, type TokenAlg } from './key/index.ts'

export interface Config extends ServiceSettings {
  databaseUrl: string
  secretKey: Buffer
  /** The one before it, which the signing keys may still be sealed with. */
  previousSecretKey?: Buffer
  alg: TokenAlg
}

/** @throws {SettingInvalid} */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const own = parseSettings(
    z.object({
      BERTH_SECRET_KEY: secretKeySetting,
      BERTH_SECRET_KEY_PREVIOUS: secretKeySetting.optional(),
      BERTH_TOKEN_ALG: z.enum(ALGORITHMS, 'must be RS256 or ES256').default('RS256'),
    }),
    env,
  )
  return {
    ...serviceSettings('token', env),
    databaseUrl: databaseUrl('token', env),
    secretKey: own.BERTH_SECRET_KEY,
    previousSecretKey: own.BERTH_SECRET_KEY_PREVIOUS,
    alg: own.BERTH_TOKEN_ALG,
  }
}
