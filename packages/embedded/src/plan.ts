import { join } from 'node:path'
import { SERVICES, type ServiceName, settingPrefix } from '@berth/types'
import type { SuiteSettings } from './settings.ts'

/** What a service is given beside the settings all of them have. */
const NEEDS: Record<ServiceName, { database?: true; secretKey?: true }> = {
  token: { database: true, secretKey: true },
  core: { database: true, secretKey: true },
  registry: { database: true },
  'log-collector': {},
  gateway: {},
}

/** Who starts first and stops last, where it matters: doors open when what is behind them runs, and close before. */
export const STOP_ORDER: readonly (readonly ServiceName[])[] = [
  ['gateway'],
  ['registry', 'core', 'token'],
  ['log-collector'],
]

/** Never handed on as they are: a service is given what it needs of them, under its own name. */
const NOT_INHERITED =
  /^(?:BERTH_(?:ADMIN_PASSWORD|SECRET_KEY|SECRET_KEY_PREVIOUS|PARENT_PID|REPLICA|SCALE|DATA)|HARBOR_ADMIN_PASSWORD|DATABASE_URL|NATS_URL|npm_.*)$/

export interface Door {
  host: string
  port: number
}

/** One process to be. */
export interface PlannedService {
  service: ServiceName
  replica: number
  http: Door
  admin: Door
  /** Base URL of its door as others reach it. */
  url: string
  env: NodeJS.ProcessEnv
}

export interface PlanInput {
  settings: SuiteSettings
  dataPath: string
  secretKey: string
  admin?: { password: string; path?: string }
  natsUrl: string
  /** File with the credentials of a service; undefined: what the URL carries. */
  natsCredentialsOf: (service: ServiceName) => string | undefined
  databaseUrlOf: (service: ServiceName) => string
  inherited: NodeJS.ProcessEnv
  /** A free port of 127.0.0.1. */
  port: () => Promise<number>
}

/** Decides every process of the suite: its doors and its environment. */
export async function planServices(input: PlanInput): Promise<PlannedService[]> {
  const planned: PlannedService[] = []
  for (const service of SERVICES) {
    for (let replica = 0; replica < input.settings.scale[service]; replica++) {
      const admin = { host: '127.0.0.1', port: await input.port() }
      const http = await doorOf(service, admin, input)
      const url = service === 'gateway' ? publicUrl(input.settings) : `http://${address(http)}`
      planned.push({ service, replica, http, admin, url, env: {} })
    }
  }
  for (const one of planned) one.env = { ...commonEnv(one, input), ...ownEnv(one, input, planned) }
  return planned
}

async function doorOf(service: ServiceName, admin: Door, input: PlanInput): Promise<Door> {
  if (service === 'gateway') return { host: input.settings.bind, port: input.settings.httpPort }
  // It answers over NATS and has no door but the private one.
  if (service === 'log-collector') return admin
  return { host: '127.0.0.1', port: await input.port() }
}

/** How the suite is reached from this machine. */
export function publicUrl(settings: SuiteSettings): string {
  const host = isEverywhere(settings.bind) ? '127.0.0.1' : settings.bind
  if (settings.tls === 'off') return `http://${address({ host, port: settings.httpPort })}`
  return `https://${address({ host, port: settings.httpsPort })}`
}

function isEverywhere(bind: string): boolean {
  return bind === '0.0.0.0' || bind === '::'
}

/** `127.0.0.1:80`, `[::1]:80`. */
export function address(door: Door): string {
  return door.host.includes(':') ? `[${door.host}]:${door.port}` : `${door.host}:${door.port}`
}

function commonEnv(one: PlannedService, input: PlanInput): NodeJS.ProcessEnv {
  const prefix = settingPrefix(one.service)
  return {
    ...inheritedBy(one.service, input.inherited),
    [`${prefix}_LISTEN`]: address(one.http),
    [`${prefix}_ADMIN_LISTEN`]: address(one.admin),
    [`${prefix}_NATS_CREDS`]: input.natsCredentialsOf(one.service),
    NATS_URL: input.natsUrl,
    BERTH_LOG_LEVEL: input.settings.logLevel,
    BERTH_REPLICA: String(one.replica),
    // Less than the supervisor waits, so that a service that hangs still closes what it can in order.
    BERTH_SHUTDOWN_GRACE_MS: input.inherited.BERTH_SHUTDOWN_GRACE_MS || '6000',
  }
}

/** The operator's environment without secrets and without what belongs to one other service. */
function inheritedBy(service: ServiceName, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const others = SERVICES.filter((name) => name !== service).map((name) => `${settingPrefix(name)}_`)
  // Who the suite is to the S3 is the registry's alone.
  if (service !== 'registry') others.push('BERTH_S3_', 'AWS_')
  // Settings by their names in the environment are core's, passwords among them.
  if (service !== 'core') others.push('CONFIG_OVERWRITE_JSON', 'LDAP_', 'UAA_')
  const isTheirs = (name: string) => others.some((prefix) => name.startsWith(prefix))
  return Object.fromEntries(Object.entries(env).filter(([name]) => !NOT_INHERITED.test(name) && !isTheirs(name)))
}

function ownEnv(one: PlannedService, input: PlanInput, all: readonly PlannedService[]): NodeJS.ProcessEnv {
  const { service } = one
  const needs = NEEDS[service]
  return {
    ...(needs.database && { [`${settingPrefix(service)}_DATABASE_URL`]: input.databaseUrlOf(service) }),
    ...(needs.secretKey && {
      BERTH_SECRET_KEY: input.secretKey,
      BERTH_SECRET_KEY_PREVIOUS: input.settings.previousSecretKey,
    }),
    ...(service === 'core' && {
      BERTH_ADMIN_PASSWORD: input.admin?.password,
      BERTH_CORE_ADMIN_PASSWORD_FILE: input.admin?.path,
      ...(input.settings.tls === 'self-signed' && {
        BERTH_CORE_CA_FILE: input.inherited.BERTH_CORE_CA_FILE || join(input.dataPath, 'tls', 'gateway.crt'),
      }),
    }),
    ...(service === 'registry' && {
      BERTH_STORAGE: input.settings.storage,
      ...(input.settings.storage === 'filesystem' && { BERTH_REGISTRY_ROOT: join(input.dataPath, 'registry') }),
    }),
    ...(service === 'log-collector' && { BERTH_LOG_COLLECTOR_DIR: join(input.dataPath, 'logs') }),
    ...(service === 'gateway' && gatewayEnv(input, all)),
  }
}

function gatewayEnv(input: PlanInput, all: readonly PlannedService[]): NodeJS.ProcessEnv {
  const { settings } = input
  const upstreams = (['core', 'registry', 'token'] as const).flatMap((service) => {
    const replicas = all.filter((one) => one.service === service)
    const prefix = `BERTH_GATEWAY_${service.toUpperCase()}`
    return [
      [`${prefix}_URLS`, replicas.map((one) => one.url).join(',')],
      [`${prefix}_HEALTH_URLS`, replicas.map((one) => `http://${address(one.admin)}/readyz`).join(',')],
    ]
  })
  return {
    ...Object.fromEntries(upstreams),
    // Replicas share the public port; the kernel spreads connections over them.
    BERTH_GATEWAY_REUSE_PORT: String(settings.scale.gateway > 1),
    ...(settings.tls !== 'off' && {
      BERTH_GATEWAY_TLS_LISTEN: address({ host: settings.bind, port: settings.httpsPort }),
      BERTH_GATEWAY_TLS_DIR: join(input.dataPath, 'tls'),
    }),
  }
}
