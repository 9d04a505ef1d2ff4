import { type EgressSettings, egressSettings } from '@berth/egress'
import { parseSettings, type ServiceSettings, serviceSettings } from '@berth/runtime'
import { z } from 'zod'
import type { JournalLimits } from './journal/index.ts'

const DAY_MS = 24 * 3_600_000

export interface Config extends ServiceSettings {
  dir: string
  limits: JournalLimits
  /** A file with certificates a syslog receiver may have besides the usual ones. */
  syslogCaFile?: string
  egress: EgressSettings
}

const bytes = z.coerce.number('must be a number of bytes').int().min(65_536, 'must be at least 65536')

/** @throws {SettingInvalid} */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const own = parseSettings(
    z.object({
      BERTH_LOG_COLLECTOR_DIR: z.string(),
      BERTH_LOG_COLLECTOR_FILE_BYTES: bytes.default(32 * 1024 * 1024),
      BERTH_LOG_COLLECTOR_TOTAL_BYTES: bytes.default(1024 * 1024 * 1024),
      BERTH_LOG_COLLECTOR_KEEP_DAYS: z.coerce
        .number('must be a number of days')
        .positive('must be more than 0')
        .default(14),
      BERTH_LOG_COLLECTOR_SYSLOG_CA: z.string().optional(),
    }),
    env,
  )
  const settings = serviceSettings('log-collector', env)
  return {
    ...settings,
    // It answers over NATS; its only door is the private one.
    listen: settings.adminListen,
    dir: own.BERTH_LOG_COLLECTOR_DIR,
    limits: {
      fileBytes: own.BERTH_LOG_COLLECTOR_FILE_BYTES,
      totalBytes: own.BERTH_LOG_COLLECTOR_TOTAL_BYTES,
      keepMs: own.BERTH_LOG_COLLECTOR_KEEP_DAYS * DAY_MS,
    },
    syslogCaFile: own.BERTH_LOG_COLLECTOR_SYSLOG_CA,
    egress: egressSettings(env),
  }
}
