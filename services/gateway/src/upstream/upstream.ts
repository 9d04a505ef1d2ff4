/** Base URL of one replica, and where it says whether it is ready; without that, a connection is sign enough. */
export interface UpstreamAddress {
  readonly hostname: string
  readonly port: number
  readonly healthUrl?: URL
}

/**
 * `ready`; `unready`: it answers, but says it cannot work (or was never asked yet); `refusing`: nobody listens;
 * `silent`: it takes connections or packets and does not answer.
 */
export type UpstreamState = 'ready' | 'unready' | 'refusing' | 'silent'

export interface Upstream extends UpstreamAddress {
  /** `host:port`; also what decides which session it keeps. */
  readonly name: string
  state: UpstreamState
  /** Health checks in a row that said something else than `state`. */
  doubts: number
}

/**
 * Who gets requests while somebody better is there gets none. An unready service still answers its own errors, and a
 * refused connection costs nothing; waiting for a silent one would.
 */
const TIERS: readonly UpstreamState[] = ['ready', 'unready', 'refusing']

export function createUpstream(address: UpstreamAddress): Upstream {
  const host = address.hostname.includes(':') ? `[${address.hostname}]` : address.hostname
  return { ...address, name: `${host}:${address.port}`, state: 'unready', doubts: 0 }
}

/** The best of them, all of one kind; empty when each one is silent. */
export function usable(upstreams: readonly Upstream[]): Upstream[] {
  for (const tier of TIERS) {
    const found = upstreams.filter(({ state }) => state === tier)
    if (found.length > 0) return found
  }
  return []
}

export function isReachable({ state }: Upstream): boolean {
  return state === 'ready' || state === 'unready'
}
