import { getCACertificates } from 'node:tls'
import type { Egress } from '@berth/egress'
import type { Dial } from './syslog-sender.ts'

/** @param trusted certificates in PEM that are trusted beside the usual ones */
export function dialBy(egress: Egress, trusted?: string): Dial {
  const ca = trusted === undefined ? undefined : [...getCACertificates('default'), trusted].join('\n')
  return ({ transport, host, port }) =>
    transport === 'tls' ? egress.connectTls({ host, port, ca }) : egress.connect({ host, port })
}
