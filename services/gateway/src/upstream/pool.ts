import { chooseFor } from './rendezvous.ts'
import { createUpstream, type Upstream, type UpstreamAddress, type UpstreamState, usable } from './upstream.ts'

/** The replicas of one service. */
export interface Pool {
  readonly service: string
  readonly upstreams: readonly Upstream[]
  /**
   * Chooses who gets a request: in turn, or for an upload session always the same one while it is there. `except` has
   * failed already and is avoided while another is as good.
   *
   * @returns `undefined` when nobody would answer
   */
  pick(options: { session?: string; except?: Upstream }): Upstream | undefined
  /** What a request that could not be forwarded has shown; the next health check may think otherwise. */
  eject(upstream: Upstream, state: UpstreamState): void
}

export function createPool(service: string, addresses: readonly UpstreamAddress[]): Pool {
  const upstreams = addresses.map(createUpstream)
  let turn = 0
  return {
    service,
    upstreams,
    pick({ session, except }) {
      const best = usable(upstreams)
      const found = best.length > 1 ? best.filter((upstream) => upstream !== except) : best
      if (session !== undefined) return chooseFor(session, found)
      return found[turn++ % found.length]
    },
    eject(upstream, state) {
      upstream.state = state
      upstream.doubts = 0
    },
  }
}
