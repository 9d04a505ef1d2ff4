import type { Socket } from 'node:net'
import type { SyslogTarget } from '@berth/types'

const WRITE_MS = 10_000

/** Opens a connection to a receiver; for TLS with the handshake done. */
export type Dial = (target: SyslogTarget) => Promise<Socket>

export interface SyslogSender {
  /**
   * Resolves when the system has taken over all of it. Syslog has no acknowledgement: what was on its way when a
   * connection broke may not have arrived.
   */
  send(target: SyslogTarget, bytes: Buffer): Promise<void>
  close(): void
}

/** Keeps one connection to whoever the lines go to just now. */
export function createSyslogSender(dial: Dial): SyslogSender {
  let current: { key: string; socket: Socket } | undefined

  function close(): void {
    current?.socket.destroy()
    current = undefined
  }

  async function socketTo(target: SyslogTarget): Promise<Socket> {
    const key = `${target.transport} ${target.host} ${target.port}`
    if (current?.key === key && current.socket.writable) return current.socket
    close()
    const socket = await dial(target)
    socket.setKeepAlive(true, 30_000)
    // Receivers say nothing, but only who reads hears that they hang up. What fails, fails the write.
    socket.on('error', () => socket.destroy())
    socket.resume()
    current = { key, socket }
    return socket
  }

  return {
    async send(target, bytes) {
      await written(await socketTo(target), bytes)
    },
    close,
  }
}

function written(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(), WRITE_MS)
    const finish = (err?: Error | null) => {
      clearTimeout(timer)
      socket.off('close', onClose)
      if (err) reject(err)
      else resolve()
    }
    const onClose = () => finish(new Error('the receiver took no more'))
    socket.once('close', onClose)
    socket.write(bytes, finish)
  })
}
