import * as kinds from './kinds.ts'

/** One row of the table of settings. */
export interface SettingRow<T = unknown> {
  readonly kind: kinds.Kind<T>
  readonly default: T
  /** What overrides it in the environment, by Harbor's name. */
  readonly env?: string
  readonly group: 'Basic' | 'LdapBasic' | 'Ldap' | 'UAA' | 'HTTPAuth' | 'OIDC' | 'Quota'
  /** One line of what it does, for `docs/configuration.md`. */
  readonly says: string
  /** Sealed at rest; no answer, log or audit row ever holds it. */
  readonly secret?: true
  /** Not a key of Harbor's. */
  readonly ours?: true
  /** Kept and shown, and without effect until this is there. */
  readonly until?: string
}

function row<T>(
  kind: kinds.Kind<T>,
  value: T,
  env: string | undefined,
  group: SettingRow['group'],
  says: string,
  more: Pick<SettingRow, 'secret' | 'ours' | 'until'> = {},
): SettingRow<T> {
  return { kind, default: value, env, group, says, ...more }
}

const { flag, ldapScope, nonEmptyText, password, pattern, positive, quota, seconds, text, webUrl, words } = kinds

const SECRET = { secret: true } as const
const OURS = { ours: true } as const
const UAA = { until: 'signing in by UAA' }
const HTTP_AUTH = { until: 'signing in by an authentication proxy' }
const SCANNING = { until: 'scanning' }
const PORTAL = { until: 'the portal' }

/** Every setting of the suite: the 61 keys of Harbor's user scope and ours beside them. */
const SETTINGS = {
  auth_mode: row(kinds.authMode, 'db_auth', 'AUTH_MODE', 'Basic', 'Where people sign in.'),
  primary_auth_mode: row(
    flag,
    false,
    'PRIMARY_AUTH_MODE',
    'Basic',
    'A browser goes straight to the provider to sign in.',
    PORTAL,
  ),
  ldap_base_dn: row(nonEmptyText, '', 'LDAP_BASE_DN', 'LdapBasic', 'Where people are searched from.'),
  ldap_filter: row(text, '', 'LDAP_FILTER', 'LdapBasic', 'Which entries are people.'),
  ldap_group_base_dn: row(text, '', 'LDAP_GROUP_BASE_DN', 'Ldap', 'Where groups are searched from.'),
  ldap_group_admin_dn: row(text, '', 'LDAP_GROUP_ADMIN_DN', 'Ldap', 'Who is in this group is an administrator.'),
  ldap_group_attribute_name: row(text, '', 'LDAP_GROUP_GID', 'Ldap', 'The attribute with the name of a group.'),
  ldap_group_search_filter: row(text, '', 'LDAP_GROUP_FILTER', 'Ldap', 'Which entries are groups.'),
  ldap_group_search_scope: row(
    ldapScope,
    2,
    'LDAP_GROUP_SCOPE',
    'Ldap',
    'How deep groups are searched: 0 the base, 1 the level below, 2 everything below.',
  ),
  ldap_scope: row(ldapScope, 2, 'LDAP_SCOPE', 'LdapBasic', 'How deep people are searched: 0, 1 or 2 as for groups.'),
  ldap_search_dn: row(text, '', 'LDAP_SEARCH_DN', 'LdapBasic', 'Who searches; empty: nobody in particular.'),
  ldap_search_password: row(password, '', 'LDAP_SEARCH_PWD', 'LdapBasic', 'Their password.', SECRET),
  ldap_timeout: row(
    seconds,
    5,
    'LDAP_TIMEOUT',
    'LdapBasic',
    'Seconds each step with the directory may take; more than 60 count as 60.',
  ),
  ldap_uid: row(nonEmptyText, 'cn', 'LDAP_UID', 'LdapBasic', 'The attribute with the name people sign in with.'),
  ldap_url: row(
    kinds.directoryUrl,
    '',
    'LDAP_URL',
    'LdapBasic',
    'The directory: `ldap://` or `ldaps://` host and port.',
  ),
  ldap_verify_cert: row(flag, true, 'LDAP_VERIFY_CERT', 'LdapBasic', 'The certificate of the directory is checked.'),
  ldap_group_membership_attribute: row(
    text,
    'memberof',
    'LDAP_GROUP_MEMBERSHIP_ATTRIBUTE',
    'LdapBasic',
    'The attribute of people that names their groups.',
  ),
  ldap_group_attach_parallel: row(
    flag,
    false,
    'LDAP_GROUP_ATTACH_PARALLEL',
    'LdapBasic',
    'Groups of a person are looked up at once, not one after another.',
  ),
  ldap_starttls: row(
    flag,
    false,
    'LDAP_STARTTLS',
    'LdapBasic',
    'TLS is asked for on a plain connection before anything is said.',
    OURS,
  ),
  ldap_ca_certificate: row(
    kinds.certificates,
    '',
    'LDAP_CA_CERTIFICATE',
    'LdapBasic',
    'PEM of whoever the certificate of the directory must come from; empty: the usual ones.',
    OURS,
  ),
  scan_all_policy: row(
    kinds.scanAllPolicy,
    { type: 'none' },
    undefined,
    'Basic',
    'When everything is scanned; `none` alone can be set.',
    SCANNING,
  ),
  project_creation_restriction: row(
    kinds.oneOf('ProjectCreationRestriction', ['everyone', 'adminonly']),
    'everyone',
    'PROJECT_CREATION_RESTRICTION',
    'Basic',
    'Who may create projects: `everyone` or `adminonly`.',
  ),
  read_only: row(flag, false, 'READ_ONLY', 'Basic', 'Nothing can be changed but the configuration; pulls go on.'),
  self_registration: row(flag, false, 'SELF_REGISTRATION', 'Basic', 'Strangers can make themselves an account.'),
  token_expiration: row(positive, 30, 'TOKEN_EXPIRATION', 'Basic', 'Minutes a token for `/v2` lives.'),
  uaa_client_id: row(text, '', 'UAA_CLIENTID', 'UAA', 'Who we are to the UAA.', UAA),
  uaa_client_secret: row(password, '', 'UAA_CLIENTSECRET', 'UAA', 'And our secret.', { ...SECRET, ...UAA }),
  uaa_endpoint: row(text, '', 'UAA_ENDPOINT', 'UAA', 'Where the UAA is.', UAA),
  uaa_verify_cert: row(flag, false, 'UAA_VERIFY_CERT', 'UAA', 'Its certificate is checked.', UAA),
  http_authproxy_endpoint: row(text, '', undefined, 'HTTPAuth', 'Where the proxy is.', HTTP_AUTH),
  http_authproxy_tokenreview_endpoint: row(text, '', undefined, 'HTTPAuth', 'Where it judges tokens.', HTTP_AUTH),
  http_authproxy_admin_groups: row(text, '', undefined, 'HTTPAuth', 'Groups of administrators.', HTTP_AUTH),
  http_authproxy_admin_usernames: row(text, '', undefined, 'HTTPAuth', 'Names of administrators.', HTTP_AUTH),
  http_authproxy_verify_cert: row(flag, true, undefined, 'HTTPAuth', 'Its certificate is checked.', HTTP_AUTH),
  http_authproxy_skip_search: row(flag, false, undefined, 'HTTPAuth', 'People are added without a search.', HTTP_AUTH),
  http_authproxy_server_certificate: row(
    kinds.certificates,
    '',
    undefined,
    'HTTPAuth',
    'PEM its certificate must come from.',
    HTTP_AUTH,
  ),
  oidc_name: row(text, '', undefined, 'OIDC', 'What the provider is called where people sign in.'),
  oidc_endpoint: row(webUrl, '', undefined, 'OIDC', 'The issuer of the provider.'),
  oidc_client_id: row(text, '', undefined, 'OIDC', 'Who we are to the provider.'),
  oidc_client_secret: row(password, '', undefined, 'OIDC', 'And our secret.', SECRET),
  oidc_groups_claim: row(text, '', undefined, 'OIDC', 'The claim with the groups of a person.'),
  oidc_admin_group: row(text, '', undefined, 'OIDC', 'Who is in this group is an administrator.'),
  oidc_group_filter: row(pattern, '', undefined, 'OIDC', 'Regular expression; groups it does not match are left out.'),
  oidc_scope: row(text, '', undefined, 'OIDC', 'Scopes that are asked for, by comma.'),
  oidc_user_claim: row(text, '', undefined, 'OIDC', 'The claim with the user name; empty: `name`.'),
  oidc_verify_cert: row(flag, true, undefined, 'OIDC', 'The certificate of the provider is checked.'),
  oidc_auto_onboard: row(flag, false, undefined, 'OIDC', 'Nobody is asked for a user name; `oidc_user_claim` has it.'),
  oidc_extra_redirect_parms: row(
    kinds.textMap,
    {},
    undefined,
    'OIDC',
    'JSON object of parameters the way to the provider carries besides.',
  ),
  oidc_logout: row(flag, false, undefined, 'OIDC', 'Signing out signs out at the provider too.'),
  robot_token_duration: row(
    positive,
    30,
    'ROBOT_TOKEN_DURATION',
    'Basic',
    'Days a robot account is offered where one is made in a portal.',
    PORTAL,
  ),
  robot_name_prefix: row(
    nonEmptyText,
    'robot$',
    'ROBOT_NAME_PREFIX',
    'Basic',
    'What names of robot accounts begin with.',
  ),
  notification_enable: row(flag, true, 'NOTIFICATION_ENABLE', 'Basic', 'Webhooks are called.', { until: 'webhooks' }),
  quota_per_project_enable: row(
    flag,
    true,
    'QUOTA_PER_PROJECT_ENABLE',
    'Quota',
    'Storage limits of projects are enforced.',
  ),
  storage_per_project: row(
    quota,
    -1,
    'STORAGE_PER_PROJECT',
    'Quota',
    'Bytes a new project may hold, up to 1024 TiB; -1: without limit.',
  ),
  pull_time_update_disable: row(
    flag,
    false,
    'PULL_TIME_UPDATE_DISABLE',
    'Basic',
    'The time of the last pull is not written down.',
  ),
  pull_count_update_disable: row(flag, false, 'PULL_COUNT_UPDATE_DISABLE', 'Basic', 'Pulls are not counted.'),
  pull_audit_log_disable: row(flag, false, 'PULL_AUDIT_LOG_DISABLE', 'Basic', 'Pulls leave no line in the audit log.'),
  audit_log_forward_endpoint: row(
    kinds.syslogEndpoint,
    '',
    'AUDIT_LOG_FORWARD_ENDPOINT',
    'Basic',
    'Syslog server audit lines are sent to: `host:port` or `tcp://host:port`, with TLS `tls://host:port`.',
  ),
  skip_audit_log_database: row(
    flag,
    false,
    'SKIP_LOG_AUDIT_DATABASE',
    'Basic',
    'Audit lines are sent to the syslog server and not kept.',
  ),
  scanner_skip_update_pulltime: row(
    flag,
    false,
    'SCANNER_SKIP_UPDATE_PULL_TIME',
    'Basic',
    'Pulls of scanners do not change the time of the last pull.',
    SCANNING,
  ),
  disabled_audit_log_event_types: row(
    words,
    '',
    'AUDIT_LOG_EVENTS_DISABLED',
    'Basic',
    'What leaves no line in the audit log, by comma: `create_user,pull_artifact`.',
  ),
  session_timeout: row(
    positive,
    60,
    'SESSION_TIMEOUT',
    'Basic',
    'Minutes a browser session lives after its last request.',
  ),
  banner_message: row(
    text,
    '',
    'BANNER_MESSAGE',
    'Basic',
    'JSON of a notice for everybody: `message`, `type`, `closable`, `fromDate`, `toDate`.',
  ),
} as const

export type SettingName = keyof typeof SETTINGS
export type SettingValue<N extends SettingName> = (typeof SETTINGS)[N] extends SettingRow<infer T> ? T : never
/** Some settings, by name. */
export type SettingValues = { [N in SettingName]?: SettingValue<N> }

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[]

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name)
}

/** The row of a setting, whatever its type. */
export function rowOf(name: SettingName): SettingRow {
  return SETTINGS[name] as SettingRow
}
