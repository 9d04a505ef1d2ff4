import { once } from 'node:events'
import { createServer } from 'node:net'

// Below the range the kernel hands out for outgoing connections, so that a part finds its port free when it returns.
const FIRST = 20_000
const LAST = 32_000

/** Whether nobody listens on `host:port` right now; throws what `listen` says other than "taken". */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  const probe = createServer()
  try {
    const listening = once(probe, 'listening')
    probe.listen(port, host)
    await listening
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw err
  }
  probe.close()
  await once(probe, 'close')
  return true
}

/** A free port on 127.0.0.1 for a door inside the house, none of `taken`. */
export async function freePort(taken: ReadonlySet<number> = new Set()): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST))
    if (!taken.has(port) && (await isPortFree(port))) return port
  }
  throw new Error(`no free port between ${FIRST} and ${LAST} on 127.0.0.1`)
}
