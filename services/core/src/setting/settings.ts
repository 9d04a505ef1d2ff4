import { type Queries, statement } from '@berth/db'
import { z } from 'zod'

/** The settings of the suite, by Harbor's names: their shape and what holds until one is stored. */
const SHAPES = {
  auth_mode: z.enum(['db_auth', 'ldap_auth', 'oidc_auth']).default('db_auth'),
  primary_auth_mode: z.boolean().default(false),
  self_registration: z.boolean().default(false),
  read_only: z.boolean().default(false),
  banner_message: z.string().default(''),
  notification_enable: z.boolean().default(true),
  project_creation_restriction: z.enum(['everyone', 'adminonly']).default('everyone'),
  quota_per_project_enable: z.boolean().default(true),
  /** Bytes a new project may hold; -1 is without limit. */
  storage_per_project: z.number().int().min(-1).default(-1),
  /** Minutes a registry token lives. */
  token_expiration: z
    .number()
    .int()
    .positive()
    .max(24 * 60)
    .default(30),
  /** Minutes a browser session lives after its last request. */
  session_timeout: z.number().int().positive().default(60),
  robot_name_prefix: z.string().min(1).default('robot$'),
  /** Days a robot lives if nothing else is asked. */
  robot_token_duration: z.number().int().positive().default(30),
  pull_time_update_disable: z.boolean().default(false),
  pull_count_update_disable: z.boolean().default(false),
  pull_audit_log_disable: z.boolean().default(false),
  scanner_skip_update_pulltime: z.boolean().default(false),
  /** `host:port` of a syslog server. */
  audit_log_forward_endpoint: z.string().default(''),
  skip_audit_log_database: z.boolean().default(false),
  /** Separated by commas: `create_user,pull_artifact`. */
  disabled_audit_log_event_types: z.string().default(''),
  ldap_url: z.string().default(''),
  ldap_base_dn: z.string().default(''),
  ldap_filter: z.string().default(''),
  ldap_uid: z.string().default('cn'),
  /** 0 the entry itself, 1 the level below, 2 everything below. */
  ldap_scope: z.number().int().min(0).max(2).default(2),
  ldap_search_dn: z.string().default(''),
  ldap_search_password: z.string().default(''),
  /** Seconds. */
  ldap_timeout: z.number().int().positive().default(5),
  ldap_verify_cert: z.boolean().default(true),
  ldap_group_base_dn: z.string().default(''),
  ldap_group_admin_dn: z.string().default(''),
  ldap_group_attribute_name: z.string().default(''),
  ldap_group_search_filter: z.string().default(''),
  ldap_group_search_scope: z.number().int().min(0).max(2).default(2),
  ldap_group_membership_attribute: z.string().default('memberof'),
  ldap_group_attach_parallel: z.boolean().default(false),
  /** Ours: TLS is asked for on a plain connection before anything is said. */
  ldap_starttls: z.boolean().default(false),
  /** Ours: PEM of whoever the directory's certificate must come from. */
  ldap_ca_certificate: z.string().default(''),
  oidc_name: z.string().default(''),
  oidc_endpoint: z.string().default(''),
  oidc_client_id: z.string().default(''),
  oidc_client_secret: z.string().default(''),
  oidc_groups_claim: z.string().default(''),
  oidc_admin_group: z.string().default(''),
  oidc_group_filter: z.string().default(''),
  oidc_scope: z.string().default(''),
  oidc_user_claim: z.string().default(''),
  oidc_verify_cert: z.boolean().default(true),
  oidc_auto_onboard: z.boolean().default(false),
  oidc_extra_redirect_parms: z.record(z.string(), z.string()).default({}),
  oidc_logout: z.boolean().default(false),
} as const

type SettingName = keyof typeof SHAPES
type SettingValue<N extends SettingName> = z.output<(typeof SHAPES)[N]>

export interface Settings {
  get<N extends SettingName>(name: N): SettingValue<N>
  /** Reads again what is stored. */
  refresh(): Promise<void>
}

const all = statement<{ key: string; value: unknown }>('settings-all', 'SELECT key, value FROM settings')

/** Keeps what is stored in mind; a value that no longer fits counts as not stored. */
export function createSettings(db: Queries): Settings {
  let stored = new Map<string, unknown>()
  return {
    get: (name) => {
      const parsed = SHAPES[name].safeParse(stored.get(name))
      return (parsed.success ? parsed.data : SHAPES[name].parse(undefined)) as never
    },
    refresh: async () => {
      stored = new Map((await db.run(all)).map(({ key, value }) => [key, value]))
    },
  }
}
