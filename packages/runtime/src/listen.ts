import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Address {
  host: string
  port: number
}

/** `127.0.0.1:5000`, `[::1]:5000` or `:5000`. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65_535) return undefined
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port }
}

/** The longest head of a request the public door takes: a token for many repositories is long. */
export const MAX_HEADER_BYTES = 64 * 1024
/** The longest one behind it, where the gateway has added headers of its own. */
export const INNER_HEADER_BYTES = MAX_HEADER_BYTES + 16 * 1024

/** Opens the door; the function it returns closes it: no new connections, running requests end, idle ones are cut. */
export async function listen(server: Server, address: Address): Promise<{ port: number; close: () => Promise<void> }> {
  server.listen(address.port, address.host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async () => {
    const closed = once(server, 'close')
    server.close()
    const idle = setInterval(() => server.closeIdleConnections(), 50)
    try {
      server.closeIdleConnections()
      await closed
    } finally {
      clearInterval(idle)
    }
  }
  return { port, close }
}
