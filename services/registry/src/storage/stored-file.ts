import type { FileHandle } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { dropBuffer, giveBuffer, takeBuffer } from './buffer-pool.ts'
import { ReaderGone } from './reader-gone.ts'
import type { StoredBytes } from './storage.ts'

/** Buffers that are read while another one is sent: with two, the thread that sends never waits for the one that reads. */
const READ_AHEAD = 2

/** `length` bytes of an open file from `start`. It is read ahead while it is sent. */
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

interface Piece {
  buffer: Buffer
  length: number
}

async function sendFile(handle: FileHandle, start: number, length: number, into: Writable): Promise<void> {
  const end = start + length
  // A failure of `into` comes with the write it befalls; told to nobody besides, it would end the process.
  into.on('error', () => undefined)
  const reads: Promise<Piece>[] = []
  let at = start
  const readAhead = () => {
    while (reads.length < READ_AHEAD && at < end) {
      const buffer = takeBuffer()
      const read = readPiece(handle, buffer, at, Math.min(buffer.length, end - at))
      // Whoever waits for it is told.
      read.catch(() => undefined)
      reads.push(read)
      at += buffer.length
    }
  }
  let sending: Promise<void> = Promise.resolve()
  try {
    readAhead()
    for (let read = reads.shift(); read !== undefined; read = reads.shift()) {
      const piece = await read
      readAhead()
      await sending.catch((err) => {
        giveBuffer(piece.buffer)
        throw err
      })
      sending = send(piece, into)
      sending.catch(() => undefined)
    }
    await sending
  } finally {
    for (const read of reads) {
      read.then(
        ({ buffer }) => giveBuffer(buffer),
        () => undefined,
      )
    }
  }
}

/** @throws {Error} the file has fewer bytes */
async function readPiece(handle: FileHandle, buffer: Buffer, at: number, length: number): Promise<Piece> {
  try {
    for (let have = 0; have < length; ) {
      const { bytesRead } = await handle.read(buffer, have, length - have, at + have)
      if (bytesRead === 0) throw new Error('a file ended before its time')
      have += bytesRead
    }
    return { buffer, length }
  } catch (err) {
    giveBuffer(buffer)
    throw err
  }
}

/** A buffer that could not be sent whole may still be in the kernel's hands, so it is not given back. */
function send({ buffer, length }: Piece, into: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    let settled = false
    const settle = (err: Error | undefined) => {
      if (settled) return
      settled = true
      into.off('close', gone)
      if (err) {
        dropBuffer(buffer)
        reject(err)
      } else {
        giveBuffer(buffer)
        resolve()
      }
    }
    const gone = () => settle(new ReaderGone())
    if (into.destroyed) return gone()
    into.once('close', gone)
    into.write(buffer.subarray(0, length), (err) => settle(err ?? undefined))
  })
}
