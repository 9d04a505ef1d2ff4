import type { IncomingHttpHeaders } from 'node:http'
import { isHost, splitHost } from '../guard/index.ts'
import { findAddress, isWithin, type Network } from './addresses.ts'

/** Who asks, and by which door they came in, as far as we can believe it. */
export interface Client {
  readonly address: string
  readonly proto: 'http' | 'https'
  /** As the client wrote it, with its port if it wrote one. */
  readonly host: string
  readonly port: string
  /** Whether the way up to us was encrypted, whatever `BERTH_EXTERNAL_URL` says. */
  readonly arrivedBy: 'http' | 'https'
}

/** `BERTH_EXTERNAL_URL`: what clients reach us by, whatever their Host header says. */
export interface ExternalUrl {
  readonly proto: 'http' | 'https'
  readonly host: string
}

interface Arrival {
  readonly headers: IncomingHttpHeaders
  readonly host: string
  /** Of the socket. */
  readonly peer: string | undefined
  readonly encrypted: boolean
}

/** Believes forwarded headers only of a peer inside `trusted`; of a chain of proxies, only as far as they are. */
export function clientOf(arrival: Arrival, settings: { trusted: readonly Network[]; external?: ExternalUrl }): Client {
  const { headers, host, encrypted } = arrival
  const peer = findAddress(arrival.peer) ?? '0.0.0.0'
  const trusted = isWithin(peer, settings.trusted)
  const arrivedBy = (trusted ? protoOf(headers) : undefined) ?? (encrypted ? 'https' : 'http')
  const proto = settings.external?.proto ?? arrivedBy
  const publicHost = settings.external?.host ?? (trusted ? hostOf(headers) : undefined) ?? host
  return {
    address: trusted ? addressOf(headers, peer, settings.trusted) : peer,
    proto,
    host: publicHost,
    port: splitHost(publicHost).port ?? (proto === 'https' ? '443' : '80'),
    arrivedBy,
  }
}

/** What the services behind us are told of the client; the only forwarded headers they ever see. */
export function forwardedHeaders(client: Client): Record<string, string> {
  const { address, proto, host, port } = client
  const node = address.includes(':') ? `"[${address}]"` : address
  return {
    'x-forwarded-for': address,
    'x-forwarded-proto': proto,
    'x-forwarded-host': host,
    'x-forwarded-port': port,
    forwarded: `for=${node};host="${host}";proto=${proto}`,
  }
}

/** From the right, the first address that is no trusted proxy of ours; what stands left of it is hearsay. */
function addressOf(headers: IncomingHttpHeaders, peer: string, trusted: readonly Network[]): string {
  let address = peer
  for (const text of listOf(headers['x-forwarded-for']).reverse()) {
    const before = findAddress(text)
    if (before === undefined) return address
    address = before
    if (!isWithin(address, trusted)) return address
  }
  return address
}

function protoOf(headers: IncomingHttpHeaders): 'http' | 'https' | undefined {
  const proto = listOf(headers['x-forwarded-proto'])[0]?.toLowerCase()
  return proto === 'http' || proto === 'https' ? proto : undefined
}

function hostOf(headers: IncomingHttpHeaders): string | undefined {
  const host = listOf(headers['x-forwarded-host'])[0]
  return host !== undefined && isHost(host) ? host : undefined
}

function listOf(value: string | string[] | undefined): string[] {
  if (value === undefined) return []
  const text = Array.isArray(value) ? value.join(',') : value
  return text.split(',', 50).map((item) => item.trim())
}
