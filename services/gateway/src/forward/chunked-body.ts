import { AnswerUnreadable } from './answer-head.ts'

const SIZE = /^([0-9a-f]{1,12})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/i
const MAX_LINE = 8 * 1024
const CR = 0x0d
const LF = 0x0a

/** Takes a chunked body apart as it arrives. Extensions and trailers are left out. @see RFC 9112, section 7.1 */
export class ChunkedBody {
  #state: 'size' | 'data' | 'after data' | 'trailer' | 'done' = 'size'
  #left = 0
  #line = ''

  get isDone(): boolean {
    return this.#state === 'done'
  }

  /**
   * Hands every piece of payload in `bytes` to `onPiece`; answers how many bytes belonged to the body.
   *
   * @throws {AnswerUnreadable}
   */
  take(bytes: Buffer, onPiece: (piece: Buffer) => void): number {
    let at = 0
    while (at < bytes.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const piece = bytes.subarray(at, at + this.#left)
        at += piece.length
        this.#left -= piece.length
        if (this.#left === 0) this.#state = 'after data'
        onPiece(piece)
      } else {
        at = this.#takeLine(bytes, at)
      }
    }
    return at
  }

  #takeLine(bytes: Buffer, from: number): number {
    const end = bytes.indexOf(LF, from)
    const to = end < 0 ? bytes.length : end + 1
    this.#line += bytes.toString('latin1', from, to)
    if (this.#line.length > MAX_LINE) throw new AnswerUnreadable('a chunk begins with too long a line')
    if (end < 0) return to
    const line = this.#line
    this.#line = ''
    if (line.charCodeAt(line.length - 2) !== CR) throw new AnswerUnreadable('a line ends without a carriage return')
    this.#readLine(line.slice(0, -2))
    return to
  }

  #readLine(line: string): void {
    if (this.#state === 'after data') {
      if (line !== '') throw new AnswerUnreadable('a chunk is longer than it says')
      this.#state = 'size'
    } else if (this.#state === 'trailer') {
      if (line === '') this.#state = 'done'
    } else {
      const size = SIZE.exec(line)?.[1]
      if (size === undefined) throw new AnswerUnreadable('the size of a chunk cannot be read')
      this.#left = Number.parseInt(size, 16)
      this.#state = this.#left === 0 ? 'trailer' : 'data'
    }
  }
}
