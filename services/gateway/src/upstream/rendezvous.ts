import { hash } from 'node:crypto'
import type { Upstream } from './upstream.ts'

/**
 * The upstream a session belongs to: the highest hash of both names. Every replica of the gateway finds the same one,
 * and when an upstream goes only its own sessions move.
 */
export function chooseFor(session: string, upstreams: readonly Upstream[]): Upstream | undefined {
  let best: Upstream | undefined
  let bestScore = ''
  for (const upstream of upstreams) {
    const score = hash('sha256', `${session}\n${upstream.name}`, 'hex')
    if (best === undefined || score > bestScore) [best, bestScore] = [upstream, score]
  }
  return best
}
