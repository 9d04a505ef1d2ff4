import { type Egress, EgressFailed } from '@berth/egress'
import { BadRequest } from '@berth/errors'
import { findSyslogTarget } from '@berth/types'

const CONNECT_MS = 5_000

/**
 * Looks whether somebody listens where audit lines are to go; who speaks TLS there is for the sender to see.
 *
 * @throws {BadRequest} nobody does, or no connection may go there
 */
export function createEndpointCheck(egress: Pick<Egress, 'connect'>): (endpoint: string) => Promise<void> {
  return async (endpoint) => {
    const target = findSyslogTarget(endpoint)
    if (!target)
      throw new BadRequest('audit_log_forward_endpoint must be host:port, tcp://host:port or tls://host:port')
    try {
      const socket = await egress.connect({ host: target.host, port: target.port, timeoutMs: CONNECT_MS })
      socket.destroy()
    } catch (err) {
      if (!(err instanceof EgressFailed)) throw err
      throw new BadRequest(`audit_log_forward_endpoint: ${err.message}`)
    }
  }
}
