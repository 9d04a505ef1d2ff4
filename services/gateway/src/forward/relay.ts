import type { Readable, Writable } from 'node:stream'
import { giveBack } from '@berth/runtime'

/**
 * Passes a body on, at the pace of the slower side, and gives each chunk's memory back once it is sent. The function it
 * returns ends that; what still comes is then nobody's.
 */
export function relay(from: Readable, to: Writable, onBytes: (count: number) => void): () => void {
  const pass = (chunk: Buffer) => {
    onBytes(chunk.length)
    const isReady = to.write(chunk, (err) => {
      if (!err) giveBack(chunk)
    })
    if (!isReady) from.pause()
  }
  const proceed = () => from.resume()
  const finish = () => to.end()
  const stop = () => {
    from.off('data', pass)
    from.off('end', finish)
    to.off('drain', proceed)
    to.off('close', stop)
  }
  to.on('drain', proceed)
  to.once('close', stop)
  from.once('end', finish)
  from.on('data', pass)
  return stop
}
