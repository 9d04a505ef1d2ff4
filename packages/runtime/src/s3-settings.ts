import { z } from 'zod'
import { booleanSetting, parseSettings, SettingInvalid } from './settings.ts'

/** Where an S3 is reached. */
export interface S3Endpoint {
  host: string
  port: number
  tls: boolean
}

/** One bucket on an S3, and how it is spoken to. */
export interface S3Settings {
  endpoint: S3Endpoint
  /** As clients reach it, who are redirected there; absent: as we do. */
  externalEndpoint?: S3Endpoint
  bucket: string
  /** Before every key: empty, or ending in a slash. */
  prefix: string
  region: string
  /** Absent: what the environment and its files say, as other programs for S3 understand them. */
  credentials?: { accessKey: string; secretKey: string }
  /** `https://host/bucket/key` instead of `https://bucket.host/key`. */
  pathStyle: boolean
  /** File of the certificates in PEM that are trusted besides the usual ones. */
  caFile?: string
  /** Clients fetch blobs from the S3 themselves. */
  redirect: boolean
}

const endpoint = z
  .string()
  .refine(isEndpoint, 'must be http(s)://host[:port] without a path')
  .transform((text) => {
    const { hostname, port, protocol } = new URL(text)
    const tls = protocol === 'https:'
    return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? (tls ? 443 : 80) : Number(port), tls }
  })

const Env = z.object({
  BERTH_S3_ENDPOINT: endpoint.optional(),
  BERTH_S3_EXTERNAL_ENDPOINT: endpoint.optional(),
  BERTH_S3_BUCKET: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'is not the name of a bucket'),
  BERTH_S3_PREFIX: z
    .string()
    .transform((text) => text.replace(/^\/+|\/+$/g, ''))
    .pipe(z.string().regex(/^[A-Za-z0-9._/-]{0,512}$/, 'may have letters, digits and ._-/ only'))
    .default(''),
  BERTH_S3_REGION: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'is not the name of a region')
    .optional(),
  BERTH_S3_ACCESS_KEY: z.string().optional(),
  BERTH_S3_SECRET_KEY: z.string().optional(),
  BERTH_S3_PATH_STYLE: booleanSetting.default(true),
  BERTH_S3_CA: z.string().optional(),
  BERTH_S3_REDIRECT: booleanSetting.default(false),
})

/** Where other programs for S3 look for credentials. */
const ELSEWHERE = ['AWS_ACCESS_KEY_ID', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_SHARED_CREDENTIALS_FILE', 'AWS_PROFILE']

/**
 * The settings of a storage on S3, `BERTH_S3_…`. Without an endpoint it is that of AWS in the region.
 *
 * @throws {SettingInvalid}
 */
export function s3Settings(env: NodeJS.ProcessEnv): S3Settings {
  const e = parseSettings(Env, env)
  const [accessKey, secretKey] = [e.BERTH_S3_ACCESS_KEY, e.BERTH_S3_SECRET_KEY]
  if (accessKey === undefined && secretKey !== undefined) throw new SettingInvalid('BERTH_S3_ACCESS_KEY is not set')
  if (accessKey !== undefined && secretKey === undefined) throw new SettingInvalid('BERTH_S3_SECRET_KEY is not set')
  if (e.BERTH_S3_ENDPOINT === undefined && e.BERTH_S3_REGION === undefined) {
    throw new SettingInvalid('BERTH_S3_ENDPOINT is not set')
  }
  if (accessKey === undefined && !ELSEWHERE.some((name) => env[name])) {
    throw new SettingInvalid('BERTH_S3_ACCESS_KEY is not set, nor are AWS_… variables that name credentials')
  }
  const region = e.BERTH_S3_REGION ?? 'us-east-1'
  return {
    endpoint: e.BERTH_S3_ENDPOINT ?? { host: `s3.${region}.amazonaws.com`, port: 443, tls: true },
    externalEndpoint: e.BERTH_S3_EXTERNAL_ENDPOINT,
    bucket: e.BERTH_S3_BUCKET,
    prefix: e.BERTH_S3_PREFIX === '' ? '' : `${e.BERTH_S3_PREFIX}/`,
    region,
    ...(accessKey !== undefined && secretKey !== undefined && { credentials: { accessKey, secretKey } }),
    pathStyle: e.BERTH_S3_PATH_STYLE,
    caFile: e.BERTH_S3_CA,
    redirect: e.BERTH_S3_REDIRECT,
  }
}

function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  return /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search && !url.hash && !url.username
}
