import { readFileSync } from 'node:fs'
import { LogLevel, type ServiceName, settingPrefix } from '@berth/types'
import { z } from 'zod'
import { type Address, parseAddress } from './listen.ts'
import { weaknessOfKey } from './secret-key.ts'

/** A setting that is missing or wrong; its message is one line that names the setting and never shows its value. */
export class SettingInvalid extends Error {
  override name = 'SettingInvalid'
}

/** `true`, `false`, `1`, `0`, `yes`, `no`, in any case. */
export const booleanSetting = z
  .string()
  .toLowerCase()
  .pipe(z.enum(['true', 'false', '1', '0', 'yes', 'no'], 'must be true or false'))
  .transform((text) => ['true', '1', 'yes'].includes(text))

/** The key everything secret at rest is encrypted with: 32 bytes in base64, and none from an example. */
export const secretKeySetting = z.string().transform((text, context) => {
  const weakness = weaknessOfKey(text)
  if (weakness === undefined) return Buffer.from(text, 'base64')
  context.addIssue({ code: 'custom', message: weakness })
  return z.NEVER
})

/** Checks the environment whole and says the first thing that is wrong with it. */
export function parseSettings<S extends z.ZodObject>(shape: S, env: NodeJS.ProcessEnv): z.output<S> {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const result = shape.safeParse(present)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const name = String(issue?.path[0] ?? 'environment')
  const missing = !(name in present)
  throw new SettingInvalid(missing ? `${name} is not set` : `${name}: ${issue?.message}`)
}

export interface NatsSettings {
  url: string
  /** Who we are there; absent: what the URL carries. */
  user?: string
  pass?: string
  /** The text of a NATS .creds file. */
  creds?: string
}

export interface ServiceSettings {
  listen: Address
  adminListen: Address
  nats: NatsSettings
  logLevel: LogLevel
  replica: number
  /** The supervisor we leave with. */
  parentPid?: number
  /** How long each part may take to stop. */
  graceMs: number
}

const Common = z.object({
  NATS_URL: z.string().regex(/^(nats|tls|wss?):\/\//, 'must begin with nats:// or tls://'),
  BERTH_LOG_LEVEL: LogLevel.default('info'),
  BERTH_REPLICA: z.coerce.number().int().nonnegative().default(0),
  BERTH_PARENT_PID: z.coerce.number().int().positive().optional(),
  BERTH_SHUTDOWN_GRACE_MS: z.coerce.number().int().positive().default(20_000),
})

/** The settings every service has, under its own prefix where they are its own. */
export function serviceSettings(service: ServiceName, env: NodeJS.ProcessEnv): ServiceSettings {
  const prefix = settingPrefix(service)
  const common = parseSettings(Common, env)
  return {
    listen: addressOf(`${prefix}_LISTEN`, env),
    adminListen: addressOf(`${prefix}_ADMIN_LISTEN`, env),
    nats: natsOf(common.NATS_URL, `${prefix}_NATS_CREDS`, env),
    logLevel: common.BERTH_LOG_LEVEL,
    replica: common.BERTH_REPLICA,
    parentPid: common.BERTH_PARENT_PID,
    graceMs: common.BERTH_SHUTDOWN_GRACE_MS,
  }
}

function natsOf(url: string, name: string, env: NodeJS.ProcessEnv): NatsSettings {
  try {
    return natsSettings(url, env[name] || undefined)
  } catch {
    throw new SettingInvalid(`${name}: holds no NATS credentials`)
  }
}

function addressOf(name: string, env: NodeJS.ProcessEnv): Address {
  const text = env[name]
  if (!text) throw new SettingInvalid(`${name} is not set`)
  const address = parseAddress(text)
  if (!address) throw new SettingInvalid(`${name}: must be host:port`)
  return address
}

/** The Postgres URL of a service: its own, else the one account for all. */
export function databaseUrl(service: ServiceName, env: NodeJS.ProcessEnv): string {
  const own = `${settingPrefix(service)}_DATABASE_URL`
  const url = env[own] || env.DATABASE_URL
  if (!url) throw new SettingInvalid(`${own} is not set, nor is DATABASE_URL`)
  if (!/^postgres(ql)?:\/\//.test(url)) throw new SettingInvalid(`${own} must begin with postgres://`)
  return url
}

const CredentialFile = z.object({ user: z.string(), pass: z.string() })

/** `path` is a JSON file `{ user, pass }` or a NATS .creds file. */
export function natsSettings(url: string, path?: string): NatsSettings {
  const bare = withoutUser(url)
  if (path === undefined) return { url: bare, ...userOfUrl(url) }
  const text = readFileSync(path, 'utf8')
  if (text.includes('BEGIN NATS USER JWT')) return { url: bare, creds: text }
  const { user, pass } = CredentialFile.parse(JSON.parse(text))
  return { url: bare, user, pass }
}

/** The client library takes no credentials out of a URL, and a digit at the start of a password for the port. */
function userOfUrl(url: string): { user?: string; pass?: string } {
  const first = url.split(',')[0] ?? ''
  if (!URL.canParse(first)) return {}
  const { username, password } = new URL(first)
  return username === '' ? {} : { user: decodeURIComponent(username), pass: decodeURIComponent(password) }
}

function withoutUser(urls: string): string {
  return urls.replaceAll(/(\w+:\/\/)[^@/,]*@/g, '$1')
}
