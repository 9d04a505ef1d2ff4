import {
  type Address,
  booleanSetting,
  parseAddress,
  parseSettings,
  type ServiceSettings,
  SettingInvalid,
  serviceSettings,
} from '@berth/runtime'
import { z } from 'zod'
import { type ExternalUrl, findNetwork, type Network } from './client/index.ts'
import { isHost } from './guard/index.ts'
import { readPair, type TlsSource } from './tls/index.ts'
import type { UpstreamAddress } from './upstream/index.ts'

export const ROUTED = ['core', 'registry', 'token'] as const
/** A service requests are passed to. */
export type Routed = (typeof ROUTED)[number]

export interface Config extends ServiceSettings {
  upstreams: Record<Routed, UpstreamAddress[]>
  trustedProxies: readonly Network[]
  external?: ExternalUrl
  /** The HTTPS door, when there is one. */
  tls?: { listen: Address; source: TlsSource }
  /** Answer plain HTTP with a redirect. */
  redirect: boolean
  /** By address; 0: as many as one likes. */
  failedLoginsPerMinute: number
  /** How long a service may take to begin its answer once it has the whole request. */
  answerTimeoutMs: number
  /** Several replicas on one machine share the public ports. */
  reusePort: boolean
}

const addressSetting = z.string().transform((text, context): Address => {
  const address = parseAddress(text)
  if (address) return address
  context.addIssue({ code: 'custom', message: 'must be host:port' })
  return z.NEVER
})

const urlsSetting = z.string().transform((text, context): URL[] => {
  const parsed = text.split(',').map((item) => URL.parse(item.trim()))
  const urls = parsed.filter(
    (url) => url !== null && url.protocol === 'http:' && url.search === '' && url.username === '',
  )
  if (urls.length === parsed.length) return urls as URL[]
  context.addIssue({ code: 'custom', message: 'must be http:// URLs, by comma' })
  return z.NEVER
})

const networksSetting = z.string().transform((text, context): Network[] => {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
  const networks = items.map(findNetwork)
  if (networks.every((network) => network !== undefined)) return networks
  context.addIssue({ code: 'custom', message: 'must be addresses or CIDRs such as 10.0.0.0/8, by comma' })
  return z.NEVER
})

const externalSetting = z.string().transform((text, context): ExternalUrl => {
  const url = URL.parse(text)
  const bare = url !== null && /^\/?$/.test(url.pathname) && url.search === '' && url.hash === '' && url.username === ''
  if (bare && (url.protocol === 'http:' || url.protocol === 'https:') && isHost(url.host)) {
    return { proto: url.protocol === 'https:' ? 'https' : 'http', host: url.host }
  }
  context.addIssue({ code: 'custom', message: 'must be a URL such as https://registry.example.com, without a path' })
  return z.NEVER
})

const Env = z.object({
  BERTH_GATEWAY_CORE_URLS: urlsSetting,
  BERTH_GATEWAY_REGISTRY_URLS: urlsSetting,
  BERTH_GATEWAY_TOKEN_URLS: urlsSetting,
  BERTH_GATEWAY_CORE_HEALTH_URLS: urlsSetting.optional(),
  BERTH_GATEWAY_REGISTRY_HEALTH_URLS: urlsSetting.optional(),
  BERTH_GATEWAY_TOKEN_HEALTH_URLS: urlsSetting.optional(),
  BERTH_TRUSTED_PROXIES: networksSetting.default([]),
  BERTH_EXTERNAL_URL: externalSetting.optional(),
  BERTH_TLS: z.enum(['off', 'self-signed', 'files'], 'must be off, self-signed or files').default('off'),
  BERTH_TLS_CERT: z.string().optional(),
  BERTH_TLS_KEY: z.string().optional(),
  BERTH_GATEWAY_TLS_LISTEN: addressSetting.optional(),
  BERTH_GATEWAY_TLS_DIR: z.string().optional(),
  BERTH_HTTP_REDIRECT: booleanSetting.default(false),
  BERTH_GATEWAY_FAILED_LOGINS_PER_MINUTE: z.coerce.number('must be a number').int().nonnegative().default(30),
  BERTH_GATEWAY_ANSWER_TIMEOUT_SECONDS: z.coerce.number('must be a number').positive().default(300),
  BERTH_GATEWAY_REUSE_PORT: booleanSetting.default(false),
})
type Env = z.output<typeof Env>

/** @throws {SettingInvalid} one line that names the setting which is missing or wrong */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const base = serviceSettings('gateway', env)
  const e = parseSettings(Env, env)
  const tls = tlsOf(e, base.listen)
  if (e.BERTH_HTTP_REDIRECT && !tls && e.BERTH_EXTERNAL_URL?.proto !== 'https') {
    throw new SettingInvalid('BERTH_HTTP_REDIRECT needs BERTH_TLS, or a BERTH_EXTERNAL_URL that begins with https://')
  }
  return {
    ...base,
    upstreams: {
      core: addresses('BERTH_GATEWAY_CORE', e.BERTH_GATEWAY_CORE_URLS, e.BERTH_GATEWAY_CORE_HEALTH_URLS),
      registry: addresses(
        'BERTH_GATEWAY_REGISTRY',
        e.BERTH_GATEWAY_REGISTRY_URLS,
        e.BERTH_GATEWAY_REGISTRY_HEALTH_URLS,
      ),
      token: addresses('BERTH_GATEWAY_TOKEN', e.BERTH_GATEWAY_TOKEN_URLS, e.BERTH_GATEWAY_TOKEN_HEALTH_URLS),
    },
    trustedProxies: e.BERTH_TRUSTED_PROXIES,
    external: e.BERTH_EXTERNAL_URL,
    tls,
    redirect: e.BERTH_HTTP_REDIRECT,
    failedLoginsPerMinute: e.BERTH_GATEWAY_FAILED_LOGINS_PER_MINUTE,
    answerTimeoutMs: e.BERTH_GATEWAY_ANSWER_TIMEOUT_SECONDS * 1000,
    reusePort: e.BERTH_GATEWAY_REUSE_PORT,
  }
}

function addresses(prefix: string, urls: URL[], health: URL[] | undefined): UpstreamAddress[] {
  if (health && health.length !== urls.length) {
    throw new SettingInvalid(`${prefix}_HEALTH_URLS must name one URL for each of ${prefix}_URLS, in their order`)
  }
  if (urls.some((url) => url.pathname !== '/')) throw new SettingInvalid(`${prefix}_URLS must have no path`)
  return urls.map((url, index) => ({
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 80),
    healthUrl: health?.[index],
  }))
}

function tlsOf(e: Env, http: Address): Config['tls'] {
  if (e.BERTH_TLS === 'off') return undefined
  const listen = e.BERTH_GATEWAY_TLS_LISTEN
  if (!listen) throw new SettingInvalid(`BERTH_GATEWAY_TLS_LISTEN is not set, which BERTH_TLS=${e.BERTH_TLS} needs`)
  if (e.BERTH_TLS === 'files') return { listen, source: filesOf(e) }
  const dir = e.BERTH_GATEWAY_TLS_DIR
  if (!dir) throw new SettingInvalid('BERTH_GATEWAY_TLS_DIR is not set, which BERTH_TLS=self-signed needs')
  const names = [e.BERTH_EXTERNAL_URL?.host, listen.host, http.host].filter((name) => name !== undefined)
  return { listen, source: { kind: 'self-signed', dir, names } }
}

function filesOf(e: Env): TlsSource {
  const { BERTH_TLS_CERT: cert, BERTH_TLS_KEY: key } = e
  if (!cert) throw new SettingInvalid('BERTH_TLS_CERT is not set, which BERTH_TLS=files needs')
  if (!key) throw new SettingInvalid('BERTH_TLS_KEY is not set, which BERTH_TLS=files needs')
  try {
    readPair({ cert, key })
  } catch (err) {
    throw new SettingInvalid(`BERTH_TLS_CERT, BERTH_TLS_KEY: ${err instanceof Error ? err.message : String(err)}`)
  }
  return { kind: 'files', cert, key }
}
