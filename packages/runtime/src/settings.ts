import { readFileSync } from 'node:fs'
import { LogLevel, type ServiceName, settingPrefix } from '@berth/types'
import { z } from 'zod'
import { type Address, parseAddress } from './listen.ts'

/** A setting that is missing or wrong; its message is one line that names the setting and never shows its value. */
export class SettingInvalid extends Error {
  override name = 'SettingInvalid'
}

export const addressSetting = z.string().transform((text, context): Address => {
  const address = parseAddress(text)
  if (address) return address
  context.addIssue({ code: 'custom', message: 'must be host:port' })
  return z.NEVER
})

/** `true`, `false`, `1`, `0`, `yes`, `no`, in any case. */
export const booleanSetting = z
  .string()
  .toLowerCase()
  .pipe(z.enum(['true', 'false', '1', '0', 'yes', 'no'], 'must be true or false'))
  .transform((text) => ['true', '1', 'yes'].includes(text))

/** The key everything secret at rest is encrypted with: 32 bytes in base64. */
export const secretKeySetting = z.string().transform((text, context) => {
  const key = Buffer.from(text, 'base64')
  if (key.length === 32) return key
  context.addIssue({ code: 'custom', message: 'must be 32 bytes in base64' })
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

/** The settings every service has, under its own prefix where they are its own. */
export function serviceSettings(service: ServiceName, env: NodeJS.ProcessEnv): ServiceSettings {
  const prefix = settingPrefix(service)
  const raw = parseSettings(
    z.object({
      [`${prefix}_LISTEN`]: addressSetting,
      [`${prefix}_ADMIN_LISTEN`]: addressSetting,
      [`${prefix}_NATS_CREDS`]: z.string().optional(),
      NATS_URL: z.string().regex(/^(nats|tls|wss?):\/\//, 'must begin with nats:// or tls://'),
      BERTH_LOG_LEVEL: LogLevel.default('info'),
      BERTH_REPLICA: z.coerce.number().int().nonnegative().default(0),
      BERTH_PARENT_PID: z.coerce.number().int().positive().optional(),
      BERTH_SHUTDOWN_GRACE_MS: z.coerce.number().int().positive().default(20_000),
    }),
    env,
  ) as Record<string, never>
  return {
    listen: raw[`${prefix}_LISTEN`] as unknown as Address,
    adminListen: raw[`${prefix}_ADMIN_LISTEN`] as unknown as Address,
    nats: natsSettings(raw.NATS_URL as unknown as string, raw[`${prefix}_NATS_CREDS`]),
    logLevel: raw.BERTH_LOG_LEVEL as unknown as LogLevel,
    replica: raw.BERTH_REPLICA as unknown as number,
    parentPid: raw.BERTH_PARENT_PID as unknown as number | undefined,
    graceMs: raw.BERTH_SHUTDOWN_GRACE_MS as unknown as number,
  }
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
  if (path === undefined) return { url }
  const text = readFileSync(path, 'utf8')
  if (text.includes('BEGIN NATS USER JWT')) return { url, creds: text }
  const { user, pass } = CredentialFile.parse(JSON.parse(text))
  return { url, user, pass }
}
