import { z } from 'zod'

/** What core knows and everybody reads: JetStream key-value buckets, republished to `know.<bucket>.>`. */
export const BUCKETS = ['settings', 'routes'] as const
export type Bucket = (typeof BUCKETS)[number]

/** The keys of bucket `settings`, each a JSON value. */
export const SETTING_SHAPES = {
  token_expiration_minutes: z.number().int().positive(),
  /** Nothing may be changed but the configuration. */
  read_only: z.boolean(),
  /** Where log-collector sends the audit log, see `findSyslogTarget`; empty: nowhere. */
  audit_log_forward_endpoint: z.string(),
} as const

export type SettingKey = keyof typeof SETTING_SHAPES
