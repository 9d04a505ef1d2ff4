import type { LookupFunction } from 'node:net'
import type { buildConnector, Dispatcher } from 'undici'
import { limitedBody } from './limited-body.ts'
import { proxyFor } from './proxy.ts'
import { nextHop } from './redirect.ts'
import { EgressFailed, EgressRefused, failureOf } from './refusals.ts'
import { mayName, normalHost } from './rules.ts'
import type { EgressSettings } from './settings.ts'

const CONNECT_MS = 10_000
const CONNECTIONS = 16
const MAX_REDIRECTS = 5

export interface GuardedFetchOptions {
  /** PEM; else whom Node trusts. */
  ca?: string
  /** Any certificate will do when false. */
  verifyCertificate?: boolean
  /** For a request with all its redirects and the body of its answer; 30 seconds unless told. */
  timeoutMs?: number
  /** What an answer may have, unpacked; 1 MiB unless told. */
  maxBodyBytes?: number
}

export interface GuardedFetch {
  /**
   * As `fetch`, for http and https. Follows five redirects at most, each judged, never from https to http, and carries
   * no credentials to another origin.
   *
   * @throws {EgressRefused} a hop may not be reached
   * @throws {EgressFailed} no answer, or one that is too long or breaks off (while its body is read)
   */
  fetch(url: string | URL, init?: RequestInit): Promise<Response>
  close(): Promise<void>
}

type Undici = typeof import('undici')

interface Guard {
  settings: EgressSettings
  judge(host: string): Promise<unknown>
  judgeLiteral(host: string): void
  lookup: LookupFunction
}

export function createGuardedFetch(guard: Guard, options: GuardedFetchOptions = {}): GuardedFetch {
  const { settings, judge, judgeLiteral, lookup } = guard
  const { ca, verifyCertificate = true, timeoutMs = 30_000, maxBodyBytes = 1_048_576 } = options
  const tls = { ca, rejectUnauthorized: verifyCertificate }
  const dispatchers = new Map<string, Dispatcher>()

  function dispatcherOf(undici: Undici, proxy: URL | undefined): Dispatcher {
    const key = proxy?.href ?? ''
    const known = dispatchers.get(key)
    if (known) return known
    const made = proxy
      ? new undici.ProxyAgent({
          uri: proxy.href,
          requestTls: { ...tls, timeout: CONNECT_MS },
          connections: CONNECTIONS,
        })
      : new undici.Agent({ connect: guardedConnector(undici), connections: CONNECTIONS })
    dispatchers.set(key, made)
    return made
  }

  function guardedConnector(undici: Undici): buildConnector.connector {
    const connect = undici.buildConnector({ ...tls, lookup, timeout: CONNECT_MS, allowH2: false })
    return (target, callback) => {
      try {
        judgeLiteral(target.hostname)
      } catch (err) {
        return callback(err as Error, null)
      }
      connect(target, callback)
    }
  }

  /** A proxy may know hosts that cannot be resolved here; those are judged by their name. */
  async function judgeTarget(host: string): Promise<void> {
    try {
      await judge(host)
    } catch (err) {
      if (!(err instanceof EgressFailed)) throw err
      if (!mayName(settings, normalHost(host))) throw new EgressRefused(host)
    }
  }

  async function hop(url: URL, init: RequestInit): Promise<Response> {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new EgressRefused(`${url.protocol} URLs`)
    const proxy = proxyFor(settings, url)
    if (proxy) await judgeTarget(url.hostname)
    // Loaded once it is needed: who only reads settings, or only dials, does without.
    const undici = await import('undici')
    const request = { ...init, redirect: 'manual', dispatcher: dispatcherOf(undici, proxy) }
    return (await undici.fetch(url, request as Parameters<Undici['fetch']>[1])) as unknown as Response
  }

  async function follow(first: URL, init: RequestInit, caller: RequestInit['signal']): Promise<Response> {
    let [url, request] = [first, init]
    for (let redirects = 0; ; redirects++) {
      const response = await hop(url, request)
      const next = init.redirect === 'manual' ? undefined : nextHop(url, request, response)
      if (!next) return limitedBody(response, url, { maxBytes: maxBodyBytes, signal: caller })
      await response.body?.cancel()
      if (init.redirect === 'error' || redirects === MAX_REDIRECTS) {
        throw new EgressFailed(`${first.hostname} redirects ${init.redirect === 'error' ? '' : 'too often'}`.trim())
      }
      ;[url, request] = next
    }
  }

  return {
    async fetch(target, init = {}) {
      const url = new URL(target)
      const signals = [AbortSignal.timeout(timeoutMs), ...(init.signal ? [init.signal] : [])]
      try {
        return await follow(url, { ...init, signal: AbortSignal.any(signals) }, init.signal)
      } catch (err) {
        if (init.signal?.aborted) throw err
        throw failureOf(err, url.hostname)
      }
    },
    async close() {
      await Promise.all([...dispatchers.values()].map((dispatcher) => dispatcher.destroy()))
      dispatchers.clear()
    },
  }
}
