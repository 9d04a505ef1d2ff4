import { SERVICES, settingPrefix } from '@berth/types'

/** One name of the environment that means something to a part of the suite. */
export interface KnownSetting {
  name: string
  /** What holds when it is not set; absent: nothing, or something made at first start. */
  default?: string
  description: string
  /** Its value is never shown. */
  secret?: true
  /** Known from now on; what it governs comes with a later version, until then any value but the default ends the start. */
  later?: true
}

const SUITE: readonly KnownSetting[] = [
  { name: 'BERTH_HTTP_PORT', default: '8080', description: 'port of the public HTTP door' },
  { name: 'BERTH_HTTPS_PORT', default: '8443', description: 'port of the public HTTPS door, used when TLS is on' },
  { name: 'BERTH_BIND', default: '127.0.0.1', description: 'address the public doors listen on' },
  { name: 'BERTH_DATA', default: '.berth', description: 'directory of everything the suite keeps' },
  {
    name: 'BERTH_ADMIN_PASSWORD',
    description: 'password of the user admin, used only while none is stored; else one is made at first start',
    secret: true,
  },
  { name: 'HARBOR_ADMIN_PASSWORD', description: 'the same, under the name Harbor has for it', secret: true },
  {
    name: 'BERTH_EXTERNAL_URL',
    description: 'URL clients reach us by; else realm and Location follow the Host header',
  },
  { name: 'BERTH_TRUSTED_PROXIES', description: 'CIDRs of proxies whose forwarded headers are believed, by comma' },
  { name: 'BERTH_TLS', default: 'off', description: 'off, self-signed or files' },
  { name: 'BERTH_TLS_CERT', description: 'certificate chain in PEM, with BERTH_TLS=files' },
  { name: 'BERTH_TLS_KEY', description: 'its private key in PEM, with BERTH_TLS=files' },
  { name: 'BERTH_HTTP_REDIRECT', default: 'false', description: 'answer HTTP with a redirect to HTTPS' },
  {
    name: 'BERTH_SECRET_KEY',
    description: '32 bytes in base64 that protect secrets at rest; else made into $BERTH_DATA/secret-key',
    secret: true,
  },
  {
    name: 'BERTH_SECRET_KEY_PREVIOUS',
    description: 'the secret key before this one: what it protects is protected anew',
    secret: true,
  },
  { name: 'BERTH_TOKEN_ALG', default: 'RS256', description: 'RS256 or ES256: how tokens are signed' },
  { name: 'DATABASE_URL', description: 'a Postgres to use instead of our own', secret: true },
  { name: 'NATS_URL', description: 'a NATS server to use instead of our own, 2.12 or newer', secret: true },
  { name: 'BERTH_NATS_REPLICAS', default: '1', description: 'copies a NATS cluster keeps of each stream: 1, 3 or 5' },
  { name: 'BERTH_STORAGE', default: 'filesystem', description: 'where blobs are kept: filesystem or s3' },
  { name: 'BERTH_SCALE', description: 'replicas of services, such as registry=2,gateway=2' },
  { name: 'BERTH_LOG_LEVEL', default: 'info', description: 'error, warn, info or debug' },
  {
    name: 'BERTH_EGRESS_ALLOW',
    description: 'where connections to addresses from the API may go: CIDRs, hosts, *.domain or *, by comma',
  },
  { name: 'BERTH_EGRESS_DENY', description: 'where they may not go, in the same words; the nearest entry decides' },
  { name: 'HTTP_PROXY', description: 'proxy of outgoing requests to http addresses from the API', secret: true },
  { name: 'HTTPS_PROXY', description: 'the same for https addresses', secret: true },
  { name: 'NO_PROXY', description: 'what goes past the proxies: hosts, domains, CIDRs or *, by comma' },
  {
    name: 'CONFIG_OVERWRITE_JSON',
    description: "configuration that overrides the stored one, as Harbor's",
    secret: true,
  },
  {
    name: 'GDPR_DELETE_USER',
    default: 'false',
    description: 'a deleted user leaves a pseudonym instead of the name',
  },
  {
    name: 'GDPR_AUDIT_LOGS',
    default: 'false',
    description: 'with GDPR_DELETE_USER: in the audit log too',
  },
  {
    name: 'GC_TIME_WINDOW_HOURS',
    default: '2',
    description: 'how long garbage collection spares what is new; a fraction or 0 may be given',
  },
  { name: 'MAX_JOB_WORKERS', default: '10', description: 'jobs worked at a time', later: true },
]

const S3: readonly KnownSetting[] = [
  { name: 'BERTH_S3_ENDPOINT', description: 'http(s)://host[:port] of the S3; else that of AWS in the region' },
  { name: 'BERTH_S3_EXTERNAL_ENDPOINT', description: 'the same as clients reach it who are redirected; else as we do' },
  { name: 'BERTH_S3_BUCKET', description: 'bucket of the blobs, which must be there' },
  { name: 'BERTH_S3_PREFIX', description: 'what every key in it begins with' },
  { name: 'BERTH_S3_REGION', default: 'us-east-1', description: 'region of the bucket' },
  { name: 'BERTH_S3_ACCESS_KEY', description: 'access key; else the usual AWS_… variables and files' },
  { name: 'BERTH_S3_SECRET_KEY', description: 'and its secret', secret: true },
  {
    name: 'BERTH_S3_PATH_STYLE',
    default: 'true',
    description: 'the bucket is named in the path of URLs, not in the host',
  },
  { name: 'BERTH_S3_CA', description: 'certificates in PEM that are trusted besides the usual ones' },
  { name: 'BERTH_S3_REDIRECT', default: 'false', description: 'clients fetch blobs from the S3 themselves' },
]

/** The names of what `s3Settings` reads. */
export const S3_SETTINGS: readonly string[] = S3.map(({ name }) => name)

const INSIDE: readonly KnownSetting[] = [
  { name: 'BERTH_REPLICA', default: '0', description: 'number of this replica of its service' },
  { name: 'BERTH_PARENT_PID', description: 'the process a part leaves with; set by who starts it' },
  { name: 'BERTH_SHUTDOWN_GRACE_MS', default: '20000', description: 'how long each step of stopping may take' },
]

const AROUND: readonly KnownSetting[] = [
  { name: 'BERTH_USERNAME', description: 'who the berth command is; else what its context remembers' },
  { name: 'BERTH_PASSWORD', description: 'and their password', secret: true },
  { name: 'BERTH_ROBOT_SECRET', description: 'secret of the robot account of a NATS user', secret: true },
  {
    name: 'BERTH_ADOPT_TAGS_PASSWORD',
    description: 'password of berth registry adopt --tags-from',
    secret: true,
  },
  { name: 'BERTH_PROVISION_NATS_CREDS', description: 'file with the NATS credentials of the user provision' },
  { name: 'BERTH_SUPERVISOR_NATS_CREDS', description: 'file with the NATS credentials of the user supervisor' },
]

function settingsOfService(service: (typeof SERVICES)[number]): KnownSetting[] {
  const prefix = settingPrefix(service)
  return [
    { name: `${prefix}_LISTEN`, description: `host:port of the door of ${service}` },
    { name: `${prefix}_ADMIN_LISTEN`, description: `host:port of the private door of ${service}` },
    { name: `${prefix}_NATS_CREDS`, description: `file with the NATS credentials of ${service}` },
  ]
}

const ONE_SERVICE: readonly KnownSetting[] = [
  { name: 'BERTH_CORE_DATABASE_URL', description: 'Postgres as core sees it; else DATABASE_URL', secret: true },
  { name: 'BERTH_REGISTRY_DATABASE_URL', description: 'Postgres as registry sees it; else DATABASE_URL', secret: true },
  { name: 'BERTH_TOKEN_DATABASE_URL', description: 'Postgres as token sees it; else DATABASE_URL', secret: true },
  { name: 'BERTH_REGISTRY_ROOT', description: 'directory of the bytes of blobs, with BERTH_STORAGE=filesystem' },
  {
    name: 'BERTH_REGISTRY_STREAM_NETWORKS',
    description: 'CIDRs of clients that are sent blobs by us all the same, with BERTH_S3_REDIRECT, by comma',
  },
  {
    name: 'BERTH_REGISTRY_GC_GRACE_SECONDS',
    default: '10',
    description: 'how long garbage collection waits between condemning a blob and removing it',
  },
  {
    name: 'BERTH_REGISTRY_SCRUB_MIB_PER_SECOND',
    default: '8',
    description: 'how fast stored bytes are read again to see whether they are still what they were; 0: never',
  },
  { name: 'BERTH_CORE_CA_FILE', description: 'certificates in PEM that clients may fetch and trust' },
  {
    name: 'BERTH_CORE_ADMIN_PASSWORD_FILE',
    description: 'file with the made admin password; goes when that is changed',
  },
  { name: 'BERTH_LOG_COLLECTOR_DIR', description: 'directory of the log files' },
  { name: 'BERTH_LOG_COLLECTOR_FILE_BYTES', default: '33554432', description: 'size at which a log file is ended' },
  { name: 'BERTH_LOG_COLLECTOR_TOTAL_BYTES', default: '1073741824', description: 'size of all log files together' },
  { name: 'BERTH_LOG_COLLECTOR_KEEP_DAYS', default: '14', description: 'age at which a log file is removed, in days' },
  {
    name: 'BERTH_LOG_COLLECTOR_SYSLOG_CA',
    description: 'file with certificates in PEM a syslog receiver may have besides the usual ones',
  },
  { name: 'BERTH_GATEWAY_CORE_URLS', description: 'base URLs of the replicas of core, by comma' },
  { name: 'BERTH_GATEWAY_REGISTRY_URLS', description: 'base URLs of the replicas of registry, by comma' },
  { name: 'BERTH_GATEWAY_TOKEN_URLS', description: 'base URLs of the replicas of token, by comma' },
  {
    name: 'BERTH_GATEWAY_CORE_HEALTH_URLS',
    description: 'where each of them says whether it is ready, in their order',
  },
  { name: 'BERTH_GATEWAY_REGISTRY_HEALTH_URLS', description: 'the same for registry' },
  { name: 'BERTH_GATEWAY_TOKEN_HEALTH_URLS', description: 'the same for token' },
  { name: 'BERTH_GATEWAY_TLS_LISTEN', description: 'host:port of the public HTTPS door, used when TLS is on' },
  { name: 'BERTH_GATEWAY_TLS_DIR', description: 'directory of the certificate made for BERTH_TLS=self-signed' },
  { name: 'BERTH_GATEWAY_REUSE_PORT', default: 'false', description: 'replicas on one machine share the public ports' },
  {
    name: 'BERTH_GATEWAY_FAILED_LOGINS_PER_MINUTE',
    default: '30',
    description: 'failed logins and token requests an address may have in a minute; 0: any number',
  },
  {
    name: 'BERTH_CORE_FAILED_LOGINS_PER_ACCOUNT',
    default: '10',
    description: 'wrong passwords an account may have in five minutes; 0: any number',
  },
  {
    name: 'BERTH_CORE_FAILED_LOGINS_PER_ADDRESS',
    default: '30',
    description: 'wrong passwords an address may have in a minute; 0: any number',
  },
  {
    name: 'BERTH_GATEWAY_ANSWER_TIMEOUT_SECONDS',
    default: '300',
    description: 'how long a service may take to begin its answer',
  },
]

/** Every name the suite knows, those of its services included. */
export const KNOWN_SETTINGS: readonly KnownSetting[] = [
  ...SUITE,
  ...S3,
  ...INSIDE,
  ...SERVICES.flatMap(settingsOfService),
  ...ONE_SERVICE,
  ...AROUND,
]
