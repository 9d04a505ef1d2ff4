import { DomainError } from '@berth/errors'

/** The rules do not let a connection go there. Says the host that was asked for, never what it resolved to. */
export class EgressRefused extends DomainError {
  override name = 'EgressRefused'
  readonly code = 'BAD_REQUEST'

  constructor(host: string) {
    super(`connections to ${host.slice(0, 255)} are not allowed (BERTH_EGRESS_ALLOW and BERTH_EGRESS_DENY decide)`)
  }
}

/** The other side could not be reached, or did not answer as it should; the same request may go through later. */
export class EgressFailed extends DomainError {
  override name = 'EgressFailed'
  readonly code = 'BAD_GATEWAY'
}

/** How a failed connection is told, without what the system says of it. */
export function failureOf(err: unknown, host: string): EgressRefused | EgressFailed {
  for (let one: unknown = err, depth = 0; one instanceof Error && depth < 5; one = one.cause, depth++) {
    if (one instanceof EgressRefused || one instanceof EgressFailed) return one
    if (one instanceof AggregateError) {
      const refused = one.errors.find((inner) => inner instanceof EgressRefused)
      if (refused) return refused
    }
  }
  return new EgressFailed(`${host.slice(0, 255)} ${reasonOf(err)}`, { cause: err })
}

const REASONS: Record<string, string> = {
  ENOTFOUND: 'cannot be resolved',
  EAI_AGAIN: 'cannot be resolved just now',
  ECONNREFUSED: 'refuses connections',
  ETIMEDOUT: 'does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'does not answer',
  UND_ERR_BODY_TIMEOUT: 'does not answer',
}

function reasonOf(err: unknown): string {
  for (let one: unknown = err, depth = 0; one instanceof Error && depth < 5; one = one.cause, depth++) {
    const code = String((one as { code?: unknown }).code ?? '')
    const known = REASONS[code]
    if (known) return known
    if (one.name === 'TimeoutError') return 'does not answer'
    if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_/.test(code)) return 'shows a certificate that is not trusted'
  }
  return 'cannot be reached'
}
