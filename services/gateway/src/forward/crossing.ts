import type { IncomingMessage, ServerResponse } from 'node:http'
import { AnswerUnreadable, type Framing, readAnswerHead } from './answer-head.ts'
import { ChunkedBody } from './chunked-body.ts'
import type { Passing } from './forward.ts'
import { ForwardFailed } from './forward-failed.ts'
import type { Link, LinkUser } from './link.ts'
import { giveLarge, SMALL_BYTES, takeLarge } from './read-buffers.ts'
import { requestHead } from './request-head.ts'
import type { Limits } from './target.ts'

const END_OF_HEAD = '\r\n\r\n'
const MAX_HEAD_BYTES = 64 * 1024

interface Parts {
  req: IncomingMessage
  res: ServerResponse
  passing: Passing
  link: Link
  limits: Limits
  /** The link is fit for the next request. */
  onFree: () => void
  resolve: () => void
  reject: (err: ForwardFailed) => void
}

/** One request without a body on its way over a link, and its answer on the way back. */
export class Crossing implements LinkUser {
  readonly #parts: Parts
  readonly #link: Link
  readonly #res: ServerResponse
  #stage: 'connect' | 'answer' | 'relay' | 'done' = 'connect'
  #head = ''
  #framing: Framing['kind'] = 'length'
  #keepsAlive = false
  /** Bytes of a body of known length that are still to come. */
  #left = 0
  #chunks: ChunkedBody | undefined
  /** Ours until it is sent and the last byte has come. */
  #large: Buffer | undefined
  /** Pieces of it that are still to be sent. */
  #unsent = 0
  #timer: NodeJS.Timeout | undefined
  #timedOut = false
  readonly #clientGone = () => this.#leave()
  readonly #resume = () => this.#link.resume()

  readonly #request: string

  constructor(parts: Parts) {
    this.#parts = parts
    this.#link = parts.link
    this.#res = parts.res
    this.#request = requestHead(parts.req)
  }

  begin(): void {
    this.#res.once('close', this.#clientGone)
    this.#link.user = this
    if (this.#res.destroyed) this.#leave()
    else if (this.#link.isProven) this.onConnect()
    else this.#arm(this.#parts.limits.connectTimeoutMs)
  }

  onConnect(): void {
    this.#stage = 'answer'
    this.#arm(this.#parts.limits.answerTimeoutMs)
    this.#link.send(this.#request)
  }

  onBytes(bytes: Buffer): boolean {
    try {
      return this.#stage === 'answer' ? this.#readHead(bytes) : this.#readBody(bytes)
    } catch (err) {
      this.#link.destroy(err as Error)
      return false
    }
  }

  onEnd(): void {
    if (this.#stage === 'relay' && this.#framing === 'close') this.#finish(undefined, false)
  }

  onClose(cause: Error | undefined): void {
    const stage = this.#stage
    if (stage === 'done') return
    clearTimeout(this.#timer)
    this.#stage = 'done'
    this.#dropLarge()
    if (stage === 'relay' || this.#res.destroyed) return void this.#res.destroy()
    this.#res.off('close', this.#clientGone)
    this.#parts.reject(new ForwardFailed(stage, { timedOut: this.#timedOut, cause }))
  }

  #readHead(bytes: Buffer): boolean {
    // Most often the whole head comes with the first read.
    const end = this.#head === '' ? bytes.indexOf(END_OF_HEAD) : -1
    if (end >= 0) return this.#begin(bytes.toString('latin1', 0, end), bytes.subarray(end + END_OF_HEAD.length))
    const before = this.#head.length
    this.#head += bytes.toString('latin1')
    const found = this.#head.indexOf(END_OF_HEAD)
    if (found < 0) {
      if (this.#head.length > MAX_HEAD_BYTES) throw new AnswerUnreadable('the head of an answer is too long')
      return true
    }
    return this.#begin(this.#head.slice(0, found), bytes.subarray(found + END_OF_HEAD.length - before))
  }

  #begin(head: string, rest: Buffer): boolean {
    this.#head = ''
    const answer = readAnswerHead(head, this.#parts.req.method ?? '')
    if (answer.statusCode === 101) throw new AnswerUnreadable('nobody asked for another protocol')
    // "Continue" and the like; the answer is still to come.
    if (answer.statusCode < 200) return rest.length === 0 || this.#readHead(rest)
    clearTimeout(this.#timer)
    this.#stage = 'relay'
    const { framing } = answer
    this.#framing = framing.kind
    this.#keepsAlive = answer.keepsAlive
    if (framing.kind === 'chunked') this.#chunks = new ChunkedBody()
    else if (framing.kind === 'length') this.#left = framing.bytes
    this.#parts.passing.writeHead(answer)
    return this.#readBody(rest)
  }

  #readBody(bytes: Buffer): boolean {
    if (this.#stage !== 'relay') return false
    const isOver = this.#framing === 'length' ? this.#readLength(bytes) : this.#readOther(bytes)
    if (isOver) return this.#unsent === 0
    const isLong = this.#left > SMALL_BYTES || bytes.length >= SMALL_BYTES
    if (isLong && this.#large === undefined) {
      this.#large = takeLarge()
      this.#link.readInto(this.#large)
    }
    return this.#unsent === 0 && !this.#res.writableNeedDrain
  }

  #readLength(bytes: Buffer): boolean {
    const piece = bytes.subarray(0, this.#left)
    this.#left -= piece.length
    if (this.#left > 0) {
      this.#write(piece)
      return false
    }
    this.#finish(piece, piece.length === bytes.length)
    return true
  }

  #readOther(bytes: Buffer): boolean {
    if (this.#chunks === undefined) {
      this.#write(bytes)
      return false
    }
    const used = this.#chunks.take(bytes, (piece) => this.#write(piece))
    if (!this.#chunks.isDone) return false
    this.#finish(undefined, used === bytes.length)
    return true
  }

  #write(piece: Buffer): void {
    if (piece.length === 0) return
    this.#parts.passing.onBytesOut(piece.length)
    if (piece.buffer === this.#large?.buffer) {
      this.#unsent++
      this.#res.write(piece, (err) => this.#sent(err))
    } else if (!this.#res.write(Buffer.from(piece)) && this.#res.listenerCount('drain', this.#resume) === 0) {
      this.#res.once('drain', this.#resume)
    }
  }

  #sent(err: Error | null | undefined): void {
    if (err) return
    this.#unsent--
    if (this.#unsent > 0) return
    if (this.#stage === 'done') this.#release()
    else this.#link.resume()
  }

  /** @param isClean nothing came after the answer */
  #finish(last: Buffer | undefined, isClean: boolean): void {
    this.#stage = 'done'
    this.#keepsAlive &&= isClean
    this.#link.readInto(undefined)
    if (last !== undefined && last.buffer !== this.#large?.buffer) {
      this.#parts.passing.onBytesOut(last.length)
      // As text, so that it goes out in one write with the headers.
      if (last.length > 0) this.#res.end(last.toString('latin1'), 'latin1')
      else this.#res.end()
    } else {
      if (last !== undefined) this.#write(last)
      this.#res.end()
    }
    if (this.#unsent === 0) this.#release()
  }

  /** Lets go of the link, which has done its work. */
  #release(): void {
    if (this.#link.user !== this) return
    this.#dropLarge()
    this.#link.user = undefined
    this.#link.isProven = true
    this.#link.resume()
    if (this.#keepsAlive) this.#parts.onFree()
    else this.#link.destroy()
  }

  #dropLarge(): void {
    if (this.#large !== undefined) giveLarge(this.#large, this.#unsent === 0)
    this.#large = undefined
  }

  #arm(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#timedOut = true
      this.#link.destroy(new Error(`nothing came within ${ms} ms`))
    }, ms)
  }

  /** The client has all it will get. */
  #leave(): void {
    clearTimeout(this.#timer)
    if (this.#stage === 'done') this.#release()
    else {
      this.#stage = 'done'
      this.#dropLarge()
      this.#link.destroy()
    }
    this.#parts.resolve()
  }
}
