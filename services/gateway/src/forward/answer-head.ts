/** What the head of an answer says; `IncomingMessage` says the same. */
export interface Answer {
  statusCode?: number
  statusMessage?: string
  /** Names and values in turn, as they came. */
  rawHeaders: readonly string[]
  headers: { connection?: string; 'x-berth-credentials'?: string | string[] }
}

/** How long the body is: so many bytes, in chunks, or whatever comes until the connection ends. */
export type Framing = { kind: 'length'; bytes: number } | { kind: 'chunked' } | { kind: 'close' }

export interface AnswerHead extends Answer {
  statusCode: number
  framing: Framing
  /** The connection may be used again after this answer. */
  keepsAlive: boolean
}

/** Two readers could disagree about where an answer ends. */
export class AnswerUnreadable extends Error {
  override name = 'AnswerUnreadable'
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d{2})(?: ([\t\x20-\x7e\x80-\xff]*))?$/
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const PADDING = /^[\t ]+|[\t ]+$/g
const LENGTH = /^\d{1,15}$/

/**
 * Reads the head of an answer, its last empty line left off. Stricter than a client must be: it is our own services
 * that speak.
 *
 * @throws {AnswerUnreadable} anything outside the grammar, or a body framed twice
 * @see RFC 9112, sections 4 to 6
 */
export function readAnswerHead(text: string, method: string): AnswerHead {
  const [first = '', ...lines] = text.split('\r\n')
  const status = STATUS_LINE.exec(first)
  if (!status) throw new AnswerUnreadable('the status line of an answer cannot be read')
  const [, minor, code, statusMessage = ''] = status
  const statusCode = Number(code)
  const rawHeaders: string[] = []
  const headers: Answer['headers'] = {}
  let length: string | undefined
  let encoding: string | undefined
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).replace(PADDING, '')
    if (colon < 1 || !NAME.test(name) || !VALUE.test(value)) throw new AnswerUnreadable('a header cannot be read')
    rawHeaders.push(name, value)
    switch (name.toLowerCase()) {
      case 'content-length':
        if (length !== undefined || !LENGTH.test(value)) throw new AnswerUnreadable('a length that is none')
        length = value
        break
      case 'transfer-encoding':
        if (encoding !== undefined) throw new AnswerUnreadable('an answer is encoded twice')
        encoding = value.toLowerCase()
        break
      case 'connection':
        headers.connection = headers.connection === undefined ? value : `${headers.connection}, ${value}`
        break
      case 'x-berth-credentials':
        headers['x-berth-credentials'] = value
        break
      default:
    }
  }
  const framing = framingOf({ statusCode, method, length, encoding })
  const closes = /(?:^|,)\s*close\s*(?:,|$)/i.test(headers.connection ?? '')
  const keepsAlive = minor === '1' && !closes && framing.kind !== 'close'
  return { statusCode, statusMessage, rawHeaders, headers, framing, keepsAlive }
}

function framingOf(head: { statusCode: number; method: string; length?: string; encoding?: string }): Framing {
  const { statusCode, method, length, encoding } = head
  if (encoding !== undefined && (encoding !== 'chunked' || length !== undefined)) {
    throw new AnswerUnreadable('the body of an answer cannot be framed')
  }
  if (method === 'HEAD' || statusCode === 204 || statusCode === 304 || statusCode < 200) {
    return { kind: 'length', bytes: 0 }
  }
  if (encoding !== undefined) return { kind: 'chunked' }
  return length === undefined ? { kind: 'close' } : { kind: 'length', bytes: Number(length) }
}
