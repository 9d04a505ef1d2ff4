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
    const fail = (err: unknown) => {
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
    body.once('end', resolve)
    body.on('error', fail)
    body.once('close', () => fail(body.errored ?? new BodyCut('the body ended before its time')))
    if (body.destroyed) fail(body.errored ?? new BodyCut('the body ended before its time'))
    else body.on('data', pass)
  })
}
