import type { IncomingMessage } from 'node:http'
import type { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { ReaderGone } from '../reader-gone.ts'
import type { StoredBytes } from '../storage.ts'
import { pauseAfter } from './retries.ts'
import { BodyTooShort, isPassing, translated } from './s3-failure.ts'

const ATTEMPTS = 5

/**
 * `length` bytes of an object, of which `answered` is the beginning. Where a connection breaks off, or a body is
 * shorter than it was said to be, the rest is asked for again.
 */
export function objectBytes(
  answered: IncomingMessage,
  length: number,
  reopen: (at: number) => Promise<IncomingMessage>,
): StoredBytes {
  return {
    sendTo: (into) => sendObject(answered, length, reopen, into),
    close: async () => void answered.destroy(),
  }
}

async function sendObject(
  answered: IncomingMessage,
  length: number,
  reopen: (at: number) => Promise<IncomingMessage>,
  into: Writable,
): Promise<void> {
  let source = answered
  const reader = watched(into, () => source.destroy())
  let sent = 0
  try {
    for (let failures = 0; ; ) {
      const before = sent
      try {
        sent = await sendOn(source, sent, length, reader)
        return await reader.done()
      } catch (err) {
        sent = reader.taken
        if (reader.isGone()) throw err
        failures = sent > before ? 1 : failures + 1
        if (failures === ATTEMPTS || !isPassing(err)) throw translated(err)
        await sleep(pauseAfter(failures))
        source = await reopen(sent)
      }
    }
  } finally {
    source.destroy()
    reader.release()
  }
}

/** Sends what comes, which must be everything that is missing. */
async function sendOn(source: IncomingMessage, sent: number, length: number, reader: Reader): Promise<number> {
  for await (const chunk of source as AsyncIterable<Buffer>) {
    if (reader.taken + chunk.length > length) throw new BodyTooShort('an object sent more than was asked for')
    await reader.write(chunk)
  }
  if (reader.taken !== length) throw new BodyTooShort(`an object ended ${length - reader.taken} bytes before its time`)
  return sent + length
}

interface Reader {
  /** Bytes that were given to it. */
  readonly taken: number
  isGone(): boolean
  /** Resolves when more may come. */
  write(chunk: Buffer): Promise<void>
  /** Resolves when everything has been taken. */
  done(): Promise<void>
  release(): void
}

/** Who reads, and may go away at any time. */
function watched(into: Writable, onGone: () => void): Reader {
  let taken = 0
  let failure: Error | undefined
  let last: Promise<void> = Promise.resolve()
  const gone = Promise.withResolvers<never>()
  gone.promise.catch(() => undefined)
  const leave = (err: Error) => {
    failure ??= err
    gone.reject(failure)
    onGone()
  }
  const onClose = () => leave(new ReaderGone())
  into.once('close', onClose)
  into.on('error', leave)
  return {
    get taken() {
      return taken
    },
    isGone: () => failure !== undefined || into.destroyed,
    async write(chunk) {
      if (failure !== undefined || into.destroyed) throw failure ?? new ReaderGone()
      taken += chunk.length
      const written = Promise.withResolvers<void>()
      last = written.promise
      last.catch(() => undefined)
      const hasRoom = into.write(chunk, (err) => (err ? written.reject(err) : written.resolve()))
      if (!hasRoom) await Promise.race([last, gone.promise])
    },
    done: () => Promise.race([last, gone.promise]),
    release: () => void into.off('close', onClose),
  }
}
