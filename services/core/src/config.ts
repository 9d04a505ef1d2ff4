import { type EgressSettings, egressSettings } from '@berth/egress'
import {
  booleanSetting,
  databaseUrl,
  parseSettings,
  type ServiceSettings,
  secretKeySetting,
  serviceSettings,
} from '@berth/runtime'
import { z } from 'zod'
import { type Overrides, readOverrides } from './setting/index.ts'

export interface Config extends ServiceSettings {
  databaseUrl: string
  secretKey: Buffer
  /** The one before it, whose secrets are closed anew at start. */
  previousSecretKey?: Buffer
  /** For the admin, while none is stored. */
  adminPassword?: string
  /** The file that shows the made-up admin password; goes when that password is changed. */
  adminPasswordFile?: string
  externalUrl?: string
  /** Name of the storage driver of the registry, as the API tells it. */
  storage: string
  /** PEM of who signed the certificate of our public door, for clients to fetch. */
  caFile?: string
  /** What the environment says about settings. */
  overrides: Overrides
  /** Where connections to addresses from outside may go. */
  egress: EgressSettings
  /** Wrong passwords an account may have in five minutes, and an address in one; 0 is without limit. */
  failedLogins: { perAccount: number; perAddress: number }
  /** Whether the name of somebody who is deleted is made unreadable, and in the audit log too. */
  gdpr: { deleteUser: boolean; auditLogs: boolean }
}

const limit = (otherwise: number) => z.coerce.number('must be a number').int().nonnegative().default(otherwise)
const flag = booleanSetting.default(false)

/** @throws {SettingInvalid} */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const raw = parseSettings(
    z.object({
      BERTH_SECRET_KEY: secretKeySetting,
      BERTH_SECRET_KEY_PREVIOUS: secretKeySetting.optional(),
      BERTH_ADMIN_PASSWORD: z.string().optional(),
      HARBOR_ADMIN_PASSWORD: z.string().optional(),
      BERTH_CORE_ADMIN_PASSWORD_FILE: z.string().optional(),
      BERTH_EXTERNAL_URL: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
      BERTH_CORE_CA_FILE: z.string().optional(),
      BERTH_STORAGE: z.string().default('filesystem'),
      BERTH_CORE_FAILED_LOGINS_PER_ACCOUNT: limit(10),
      BERTH_CORE_FAILED_LOGINS_PER_ADDRESS: limit(30),
      GDPR_DELETE_USER: flag,
      GDPR_AUDIT_LOGS: flag,
    }),
    env,
  )
  return {
    ...serviceSettings('core', env),
    databaseUrl: databaseUrl('core', env),
    secretKey: raw.BERTH_SECRET_KEY,
    previousSecretKey: raw.BERTH_SECRET_KEY_PREVIOUS,
    adminPassword: raw.BERTH_ADMIN_PASSWORD ?? raw.HARBOR_ADMIN_PASSWORD,
    adminPasswordFile: raw.BERTH_CORE_ADMIN_PASSWORD_FILE,
    externalUrl: raw.BERTH_EXTERNAL_URL,
    storage: raw.BERTH_STORAGE,
    caFile: raw.BERTH_CORE_CA_FILE,
    overrides: readOverrides(env),
    egress: egressSettings(env),
    failedLogins: {
      perAccount: raw.BERTH_CORE_FAILED_LOGINS_PER_ACCOUNT,
      perAddress: raw.BERTH_CORE_FAILED_LOGINS_PER_ADDRESS,
    },
    gdpr: { deleteUser: raw.GDPR_DELETE_USER, auditLogs: raw.GDPR_AUDIT_LOGS },
  }
}
