import type { Socket } from 'node:net'

/** What a directory may say to one sign-in or one search. */
const MAX_BYTES = 16 * 1_048_576
const SEQUENCE = 0x30

export interface WatchedSocket {
  /** The connection, once. */
  take(): Socket
  /** @throws {Error} more has come than the one answer StartTLS has: somebody wants to be heard before TLS is there */
  mustBeQuiet(): void
  /** Goes on watching what comes through TLS. */
  upgraded<S extends Socket>(socket: S): S
}

/** A connection that ends when the other side says too much, and never is opened again. */
export function watched(socket: Socket): WatchedSocket {
  let bytes = 0
  let head: Buffer | undefined = Buffer.alloc(0)
  let isTaken = false

  function watch(one: Socket): void {
    one.on('error', () => undefined)
    one.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (head) head = head.length < 4_096 ? Buffer.concat([head, chunk]) : head
      if (bytes > MAX_BYTES) one.destroy(new Error('the directory answers too much'))
    })
  }
  watch(socket)

  return {
    take() {
      if (isTaken) throw new Error('the connection to the directory is lost')
      isTaken = true
      return socket
    },
    mustBeQuiet() {
      if (!head || !isOneMessage(head)) throw new Error('the directory spoke before TLS was there')
      head = undefined
    },
    upgraded(secured) {
      watch(secured)
      return secured
    },
  }
}

/** Whether these bytes are one BER sequence, and nothing more. */
function isOneMessage(bytes: Buffer): boolean {
  const [tag, first = 0] = bytes
  if (tag !== SEQUENCE) return false
  if (first < 0x80) return bytes.length === 2 + first
  const lengthBytes = first & 0x7f
  if (lengthBytes < 1 || lengthBytes > 4 || bytes.length < 2 + lengthBytes) return false
  return bytes.length === 2 + lengthBytes + bytes.readUIntBE(2, lengthBytes)
}
