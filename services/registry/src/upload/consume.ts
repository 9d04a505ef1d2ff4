import type { Readable } from 'node:stream'

/** The client broke off. */
class BodyCut extends Error {
  override name = 'BodyCut'
  readonly code = 'ERR_STREAM_PREMATURE_CLOSE'
}

/**
 * Hands every chunk of a body to `take` and waits where that says so; resolves at its end. What comes of a body that
 * cannot be taken is let go by: a connection that was cut would not tell the client why.
 */
export function consume(body: Readable, take: (chunk: Buffer) => Promise<void> | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (body.readableEnded) return resolve()
    let isOver = false
    const fail = (err: unknown) => {
      isOver = true
      body.off('data', pass)
      body.resume()
      reject(err)
    }
    const pass = (chunk: Buffer) => {
      const taken = take(chunk)
      if (taken === undefined) return
      body.pause()
      taken.then(() => body.resume(), fail)
    }
    const cut = () => {
      if (!isOver) fail(body.errored ?? new BodyCut('the body ended before its time'))
    }
    body.once('end', () => {
      isOver = true
      resolve()
    })
    body.on('error', fail)
    body.once('close', cut)
    if (body.destroyed) cut()
    else body.on('data', pass)
  })
}
