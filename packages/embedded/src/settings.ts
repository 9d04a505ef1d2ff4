import { BlockList, isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { egressSettings } from '@berth/egress'
import {
  booleanSetting,
  KNOWN_SETTINGS,
  parseSettings,
  S3_SETTINGS,
  SettingInvalid,
  s3Settings,
  weaknessOfKey,
} from '@berth/runtime'
import { LogLevel, SERVICES, type ServiceName } from '@berth/types'
import { z } from 'zod'
import { nearest } from './nearest.ts'
import { weaknessOfPassword } from './secrets.ts'
import { checkAccountsOfParts, checkReadable, isDecidedHere } from './settings-of-parts.ts'
import { EXIT, StartRefused } from './start-refused.ts'

const port = z.coerce
  .number('must be a number')
  .int('must be a whole number')
  .min(1, 'must be from 1 to 65535')
  .max(65_535, 'must be from 1 to 65535')
const atLeastZero = z.coerce.number('must be a number').min(0, 'must not be negative')
const password = z.string().superRefine((text, context) => complain(context, weaknessOfPassword(text)))

const Env = z.object({
  BERTH_HTTP_PORT: port.default(8080),
  BERTH_HTTPS_PORT: port.default(8443),
  BERTH_BIND: z
    .string()
    .refine((text) => isIP(text) !== 0, 'must be an IP address')
    .default('127.0.0.1'),
  BERTH_DATA: z.string().optional(),
  BERTH_ADMIN_PASSWORD: password.optional(),
  HARBOR_ADMIN_PASSWORD: password.optional(),
  BERTH_EXTERNAL_URL: z.string().refine(isBaseUrl, 'must be http(s)://host[:port] without a path').optional(),
  BERTH_TRUSTED_PROXIES: z.string().refine(areCidrs, 'must be CIDRs divided by commas').optional(),
  BERTH_TLS: z.enum(['off', 'self-signed', 'files'], 'must be off, self-signed or files').default('off'),
  BERTH_TLS_CERT: z.string().optional(),
  BERTH_TLS_KEY: z.string().optional(),
  BERTH_HTTP_REDIRECT: booleanSetting.default(false),
  BERTH_SECRET_KEY: z
    .string()
    .superRefine((text, context) => complain(context, weaknessOfKey(text)))
    .optional(),
  BERTH_SECRET_KEY_PREVIOUS: z
    .string()
    .superRefine((text, context) => complain(context, weaknessOfKey(text)))
    .optional(),
  CONFIG_OVERWRITE_JSON: z.string().refine(isJsonObject, 'must be a JSON object').optional(),
  BERTH_TOKEN_ALG: z.enum(['RS256', 'ES256'], 'must be RS256 or ES256').default('RS256'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres://')
    .refine((text) => URL.canParse(text), 'must be a URL')
    .optional(),
  NATS_URL: z
    .string()
    .refine(
      (text) => text.split(',').every(isNatsUrl),
      'must be URLs divided by commas that begin with nats:// or tls://',
    )
    .optional(),
  BERTH_NATS_REPLICAS: z.enum(['1', '3', '5'], 'must be 1, 3 or 5').transform(Number).default(1),
  BERTH_STORAGE: z.enum(['filesystem', 's3'], 'must be filesystem or s3').default('filesystem'),
  BERTH_SCALE: z.string().optional(),
  GC_TIME_WINDOW_HOURS: atLeastZero.optional(),
  BERTH_REGISTRY_GC_GRACE_SECONDS: atLeastZero.optional(),
  BERTH_REGISTRY_SCRUB_MIB_PER_SECOND: atLeastZero.optional(),
  BERTH_LOG_LEVEL: LogLevel.default('info'),
})

export interface SuiteSettings {
  httpPort: number
  httpsPort: number
  bind: string
  dataPath: string
  adminPassword?: string
  tls: 'off' | 'self-signed' | 'files'
  secretKey?: string
  /** The one before it, which the data was made with. */
  previousSecretKey?: string
  databaseUrl?: string
  natsUrl?: string
  natsReplicas: number
  storage: 'filesystem' | 's3'
  scale: Record<ServiceName, number>
  logLevel: LogLevel
  /** What to tell the operator before starting; nothing that stops it. */
  warnings: string[]
}

/**
 * Checks the suite's environment once, whole.
 *
 * @param root the clone, where the data lies unless the environment says otherwise
 * @throws {StartRefused} exit code 2, naming the setting and never showing its value
 */
export function loadSuiteSettings(env: NodeJS.ProcessEnv, root: string): SuiteSettings {
  const e = parsed(env)
  checkS3(e.BERTH_STORAGE, env)
  refuseLater(env)
  orRefused(() => egressSettings(env))
  checkAccountsOfParts(env)
  if (e.BERTH_TLS === 'files') for (const name of ['BERTH_TLS_CERT', 'BERTH_TLS_KEY'] as const) checkFile(name, e[name])
  if (e.BERTH_HTTP_REDIRECT && e.BERTH_TLS === 'off' && !e.BERTH_EXTERNAL_URL?.startsWith('https:')) {
    throw wrong('needs BERTH_TLS, or a BERTH_EXTERNAL_URL that begins with https://', 'BERTH_HTTP_REDIRECT')
  }
  if (e.BERTH_NATS_REPLICAS > 1 && !e.NATS_URL) {
    throw wrong('one embedded nats-server cannot keep several copies', 'BERTH_NATS_REPLICAS')
  }
  if (e.BERTH_TLS !== 'off' && e.BERTH_HTTP_PORT === e.BERTH_HTTPS_PORT) {
    throw wrong('HTTP and HTTPS need ports of their own', 'BERTH_HTTPS_PORT')
  }
  return {
    httpPort: e.BERTH_HTTP_PORT,
    httpsPort: e.BERTH_HTTPS_PORT,
    bind: e.BERTH_BIND,
    dataPath: e.BERTH_DATA === undefined ? join(root, '.berth') : resolve(e.BERTH_DATA),
    adminPassword: e.BERTH_ADMIN_PASSWORD ?? e.HARBOR_ADMIN_PASSWORD,
    tls: e.BERTH_TLS,
    secretKey: e.BERTH_SECRET_KEY,
    previousSecretKey: e.BERTH_SECRET_KEY_PREVIOUS,
    databaseUrl: e.DATABASE_URL,
    natsUrl: e.NATS_URL,
    natsReplicas: e.BERTH_NATS_REPLICAS,
    storage: e.BERTH_STORAGE,
    scale: parseScale(e.BERTH_SCALE ?? ''),
    logLevel: e.BERTH_LOG_LEVEL,
    warnings: [...warningsOf(env)],
  }
}

function parsed(env: NodeJS.ProcessEnv): z.output<typeof Env> {
  return orRefused(() => parseSettings(Env, env))
}

/** What is wrong with a setting in the words of a start that is refused. */
function orRefused<T>(read: () => T): T {
  try {
    return read()
  } catch (err) {
    if (!(err instanceof SettingInvalid)) throw err
    const [, name = '', what = ''] = /^(\w+):? (.*)$/.exec(err.message) ?? []
    throw wrong(what, name)
  }
}

/** `registry=2,gateway=2`; what is not named runs once. */
export function parseScale(text: string): Record<ServiceName, number> {
  const scale = Object.fromEntries(SERVICES.map((name) => [name, 1])) as Record<ServiceName, number>
  for (const part of text.split(',').filter((piece) => piece.trim() !== '')) {
    const [name = '', count = ''] = part.split('=').map((piece) => piece.trim())
    if (!(name in scale)) throw wrong(`no such service: ${name}, only ${SERVICES.join(', ')}`, 'BERTH_SCALE')
    if (!/^([1-9]|[12]\d|3[0-2])$/.test(count)) throw wrong(`${name} can run 1 to 32 times`, 'BERTH_SCALE')
    if (name === 'log-collector' && count !== '1') throw wrong('log-collector runs once', 'BERTH_SCALE')
    scale[name as ServiceName] = Number(count)
  }
  return scale
}

/** Who names a bucket and not the storage would find their bytes elsewhere. */
function checkS3(storage: string, env: NodeJS.ProcessEnv): void {
  if (storage !== 's3') {
    const set = S3_SETTINGS.find((name) => env[name])
    if (set) throw wrong('is of use with BERTH_STORAGE=s3 alone', set)
    return
  }
  const { caFile } = orRefused(() => s3Settings(env))
  if (caFile !== undefined) checkReadable('BERTH_S3_CA', caFile)
}

/** What would be ignored is refused: whoever sets it relies on it. */
function refuseLater(env: NodeJS.ProcessEnv): void {
  const set = KNOWN_SETTINGS.find((known) => known.later && env[known.name] && env[known.name] !== known.default)
  if (set) throw wrong('what it governs is not there yet in this version', set.name)
}

function checkFile(name: string, path: string | undefined): void {
  if (!path) throw wrong('must be set when BERTH_TLS is files', name)
  checkReadable(name, path)
}

/** Other people's scripts and Kubernetes' service links set names like ours: said once, never refused. */
function* warningsOf(env: NodeJS.ProcessEnv): Generator<string> {
  const known = new Map(KNOWN_SETTINGS.map((setting) => [setting.name, setting]))
  for (const name of Object.keys(env).sort()) {
    // BERTH_E2E_… steer tests that start suites.
    if (!name.startsWith('BERTH_') || name.startsWith('BERTH_E2E_')) continue
    if (isDecidedHere(name) && env[name]) yield `${name} is for a service run alone and is ignored`
    if (known.has(name)) continue
    yield `unknown setting ${name} is ignored; the nearest known one is ${nearest(name, known.keys())}`
  }
}

function wrong(what: string, setting: string): StartRefused {
  return new StartRefused(EXIT.wrongSetting, what, setting)
}

function isNatsUrl(text: string): boolean {
  return /^(nats|tls|wss?):\/\//.test(text) && URL.canParse(text)
}

function complain(context: z.core.$RefinementCtx, message: string | undefined): void {
  if (message) context.addIssue({ code: 'custom', message })
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  return /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search && !url.hash && !url.username
}

function areCidrs(text: string): boolean {
  return text.split(',').every((part) => {
    const [address = '', bits] = part.trim().split('/')
    const family = isIP(address)
    if (family === 0) return false
    if (bits === undefined) return true
    if (!/^\d{1,3}$/.test(bits)) return false
    try {
      new BlockList().addSubnet(address, Number(bits), family === 6 ? 'ipv6' : 'ipv4')
      return true
    } catch {
      return false
    }
  })
}
