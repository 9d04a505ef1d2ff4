import { lookup as lookupOfSystem } from 'node:dns'
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectOverTls, type TLSSocket } from 'node:tls'
import type { Logger } from '@berth/runtime'
import { findAddress } from './address.ts'
import { createGuardedFetch, type GuardedFetch, type GuardedFetchOptions } from './guarded-fetch.ts'
import { EgressFailed, EgressRefused, failureOf } from './refusals.ts'
import { mayReach, normalHost } from './rules.ts'
import type { EgressSettings } from './settings.ts'

const RESOLVE_MS = 5_000
const CONNECT_MS = 10_000

export interface Peer {
  host: string
  port: number
  /** Until connected, TLS included; ten seconds unless told. */
  timeoutMs?: number
}

export interface TlsPeer extends Peer {
  /** PEM; else whom Node trusts. */
  ca?: string
  /** Any certificate will do when false. */
  verifyCertificate?: boolean
}

/** Opens connections to addresses that came from outside. What the environment names needs none of it. */
export interface Egress {
  /**
   * The addresses of this host that may be reached, at least one.
   *
   * @throws {EgressRefused} none of them may
   * @throws {EgressFailed} it cannot be resolved
   */
  judge(host: string): Promise<readonly { address: string; family: 4 | 6 }[]>
  /** @throws {EgressRefused} the host is an address, which no `lookup` is asked about, and may not be reached */
  judgeLiteral(host: string): void
  /** For `net.connect` and `tls.connect`: resolves to what may be reached. Does not see literals: `judgeLiteral` does. */
  lookup: LookupFunction
  /**
   * A TCP connection to a judged address, each address tried in turn.
   *
   * @throws {EgressRefused | EgressFailed}
   */
  connect(peer: Peer): Promise<Socket>
  /** The same with TLS, its handshake done. */
  connectTls(peer: TlsPeer): Promise<TLSSocket>
  /** A `fetch` with connections of its own, every hop of a redirect judged. */
  openFetch(options?: GuardedFetchOptions): GuardedFetch
}

type Resolve = typeof lookupOfSystem

/** `resolve` is the system's unless a test has its own. */
export function createEgress(deps: { settings: EgressSettings; log: Logger; resolve?: Resolve }): Egress {
  const { settings, log, resolve = lookupOfSystem } = deps

  function allowed<A extends { address: string }>(host: string, addresses: readonly A[]): A[] {
    const name = normalHost(host)
    const open = addresses.filter(({ address }) => mayReach(settings, name, address))
    if (open.length > 0) return open
    log.warn('a connection was refused by the egress rules', { host: name, addresses: addresses.map((a) => a.address) })
    throw new EgressRefused(host)
  }

  function judgeLiteral(host: string): void {
    const address = findAddress(normalHost(host))
    if (address) allowed(host, [{ address: address.toString() }])
    // Dialled without a lookup, and nothing we could judge: an address with an odd zone.
    else if (isIP(bare(host)) !== 0) throw new EgressRefused(host)
  }

  const lookup: LookupFunction = (host, options, callback) => {
    resolve(host, { ...options, all: true }, (err, found) => {
      if (err) return callback(err, '')
      try {
        const open = allowed(host, found)
        if (options.all) return callback(null, open)
        const [first] = open
        callback(null, first?.address ?? '', first?.family)
      } catch (refused) {
        callback(refused as Error, '')
      }
    })
  }

  async function judge(host: string) {
    judgeLiteral(host)
    const literal = findAddress(normalHost(host))
    if (literal) return [{ address: literal.toString(), family: literal.kind() === 'ipv4' ? 4 : 6 } as const]
    return new Promise<{ address: string; family: 4 | 6 }[]>((done, failed) => {
      const timer = setTimeout(() => failed(new EgressFailed(`${host} cannot be resolved in time`)), RESOLVE_MS)
      lookup(host, { all: true }, (err, found) => {
        clearTimeout(timer)
        if (err) failed(failureOf(err, host))
        else done(found as { address: string; family: 4 | 6 }[])
      })
    })
  }

  /** Waits for the event, and leaves nothing open when it does not come. */
  function opened<S extends Socket>(socket: S, event: string, { host, timeoutMs = CONNECT_MS }: Peer): Promise<S> {
    return new Promise((done, failed) => {
      const end = (err: Error) => {
        clearTimeout(timer)
        socket.destroy()
        failed(failureOf(err, host))
      }
      const timer = setTimeout(() => end(new EgressFailed(`${host} does not answer`)), timeoutMs)
      socket.once('error', end)
      socket.once(event, () => {
        clearTimeout(timer)
        socket.off('error', end)
        done(socket)
      })
    })
  }

  return {
    judge,
    judgeLiteral,
    lookup,
    async connect(peer) {
      judgeLiteral(peer.host)
      return opened(connectTcp({ host: bare(peer.host), port: peer.port, lookup }), 'connect', peer)
    },
    async connectTls(peer) {
      judgeLiteral(peer.host)
      const { port, ca, verifyCertificate = true } = peer
      const host = bare(peer.host)
      const servername = findAddress(host) ? undefined : host
      const options = { host, port, lookup, servername, ca, rejectUnauthorized: verifyCertificate }
      return opened(connectOverTls(options), 'secureConnect', peer)
    },
    openFetch: (options) => createGuardedFetch({ settings, judge, judgeLiteral, lookup }, options),
  }
}

function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}
