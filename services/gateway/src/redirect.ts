import type { Client, ExternalUrl } from './client/index.ts'
import { splitHost } from './guard/index.ts'

/** Where HTTPS is: at the external URL if that is one, else on this port of the host that was asked. */
export interface HttpsDoor {
  readonly port: number
  readonly external?: ExternalUrl
}

/** `target` is a checked request target, so it stays on that host. */
export function httpsUrl(client: Client, target: string, door: HttpsDoor): string {
  if (door.external?.proto === 'https') return `https://${door.external.host}${target}`
  const { host } = splitHost(client.host)
  return `https://${host}${door.port === 443 ? '' : `:${door.port}`}${target}`
}
