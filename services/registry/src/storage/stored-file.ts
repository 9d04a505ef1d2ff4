import type { FileHandle } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { BUFFER_BYTES, giveBuffer, takeBuffer } from './buffer-pool.ts'
import type { StoredBytes } from './storage.ts'

export class ReaderGone extends Error {
  override name = 'ReaderGone'
  readonly code = 'ERR_STREAM_PREMATURE_CLOSE'
}

/** `length` bytes of an open file from `start`. Two buffers take turns: one is read while the other is sent. */
export function storedFile(handle: FileHandle, start: number, length: number): StoredBytes {
  return {
    sendTo: async (into) => {
      try {
        await sendFile(handle, start, length, into)
      } finally {
        await handle.close()
      }
    },
    close: () => handle.close(),
  }
}

async function sendFile(handle: FileHandle, start: number, length: number, into: Writable): Promise<void> {
  const end = start + length
  // A failure of `into` comes with the write it befalls; told to nobody besides, it would end the process.
  into.on('error', () => undefined)
  let sending: Promise<void> = Promise.resolve()
  for (let at = start; at < end; ) {
    const buffer = takeBuffer()
    const { bytesRead } = await handle.read(buffer, 0, Math.min(BUFFER_BYTES, end - at), at)
    if (bytesRead === 0) throw new Error('a file ended before its time')
    at += bytesRead
    await sending
    sending = send(buffer, bytesRead, into)
    // Whoever waits for it next is told.
    sending.catch(() => undefined)
  }
  await sending
}

/** A buffer that could not be sent whole may still be in the kernel's hands, so it is not given back. */
function send(buffer: Buffer, length: number, into: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    if (into.destroyed) return reject(new ReaderGone('nobody reads any more'))
    const gone = () => reject(new ReaderGone('nobody reads any more'))
    into.once('close', gone)
    into.write(buffer.subarray(0, length), (err) => {
      into.off('close', gone)
      if (err) return reject(err)
      giveBuffer(buffer)
      resolve()
    })
  })
}
