import { request as askPlain, type IncomingHttpHeaders, type RequestOptions } from 'node:http'
import { request as askTls } from 'node:https'
import { createLifecycle, createMetrics, type Lifecycle, type Logger, silentLogger } from '@berth/runtime'
import { afterEach } from 'vitest'
import { loadConfig } from '../config.ts'
import { type Gateway, openGateway } from '../gateway.ts'
import { openService, type Service } from './service.ts'

/** A gateway of its own with small services behind it, for one test. */
export interface Trial {
  readonly gateway: Gateway
  readonly url: string
  readonly life: Lifecycle
  readonly core: Service[]
  readonly registry: Service[]
  readonly token: Service[]
  /** The lines the gateway logged. */
  readonly lines: Line[]
  /** Its own metrics in the text Prometheus reads. */
  metrics(): Promise<string>
}

interface Line {
  level: string
  message: string
  fields: Record<string, unknown>
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

export interface TrialOptions {
  env?: NodeJS.ProcessEnv
  /** Of each service. */
  replicas?: number
}

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** Gone when the test is over. */
export async function openTrial(options: TrialOptions = {}): Promise<Trial> {
  const { trial, close } = await startTrial(options)
  closers.push(close)
  return trial
}

/** To be closed by whoever started it. */
export async function startTrial(options: TrialOptions = {}): Promise<{ trial: Trial; close: () => Promise<void> }> {
  const { env = {}, replicas = 1 } = options
  const open = (service: string) =>
    Promise.all(Array.from({ length: replicas }, (_, i) => openService(`${service}-${i}`)))
  const [core, registry, token] = await Promise.all([open('core'), open('registry'), open('token')])
  const services = [...core, ...registry, ...token]
  const urls = (list: Service[]) => list.map(({ url }) => url).join(',')
  const config = loadConfig({
    NATS_URL: 'nats://127.0.0.1:1',
    BERTH_GATEWAY_LISTEN: '127.0.0.1:0',
    BERTH_GATEWAY_ADMIN_LISTEN: '127.0.0.1:0',
    BERTH_GATEWAY_TLS_LISTEN: '127.0.0.1:0',
    BERTH_GATEWAY_CORE_URLS: urls(core),
    BERTH_GATEWAY_REGISTRY_URLS: urls(registry),
    BERTH_GATEWAY_TOKEN_URLS: urls(token),
    ...env,
  })
  const lines: Line[] = []
  const log = recorder(lines)
  const life = createLifecycle(silentLogger, { graceMs: 10_000 })
  const metrics = createMetrics('gateway')
  const gateway = await openGateway(config, { log: { ...log, addSink: () => undefined }, life, metrics })
  const url = `http://127.0.0.1:${gateway.port}`
  const close = async () => {
    await life.stop()
    await Promise.all(services.map((service) => service.kill()))
  }
  const own = async () =>
    (await metrics.metrics())
      .split('\n')
      .filter((line) => line.startsWith('berth_'))
      .join('\n')
  return { trial: { gateway, url, life, core, registry, token, lines, metrics: own }, close }
}

function recorder(lines: Line[]): Logger {
  const at =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}) =>
      void lines.push({ level, message, fields })
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
}

/** One request on a connection of its own, unless `agent` says otherwise; any certificate will do. */
export function ask(url: string, options: RequestOptions & { body?: string | Buffer } = {}): Promise<Answer> {
  const { body, ...rest } = options
  return new Promise((resolve, reject) => {
    const open = url.startsWith('https:') ? askTls : askPlain
    const request = open(url, { agent: false, ...rest, ...{ rejectUnauthorized: false } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, body: Buffer.concat(chunks).toString('latin1') })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

/** The codes in the body of an error. */
export function codesOf({ body }: Answer): string[] {
  return (JSON.parse(body) as { errors: { code: string }[] }).errors.map(({ code }) => code)
}

/** Waits until `check` no longer throws. */
export async function until(check: () => void, ms = 10_000): Promise<void> {
  const end = Date.now() + ms
  for (;;) {
    try {
      return check()
    } catch (err) {
      if (Date.now() > end) throw err
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
