import type { IncomingMessage } from 'node:http'

/** What neither the parser lets in nor we may let out: it would end a line. */
const UNFIT = /[^\t\x20-\x7e\x80-\xff]/

/**
 * The head of a request without a body, as it goes to a service: path and headers byte for byte as they stand in it.
 *
 * @throws {TypeError} a header would end its line
 */
export function requestHead({ method = '', url = '/', headers }: IncomingMessage): string {
  let head = `${method} ${url} HTTP/1.1\r\n`
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined) continue
    for (const one of typeof value === 'string' ? [value] : value) head += headerLine(name, one)
  }
  return `${head}connection: keep-alive\r\n\r\n`
}

function headerLine(name: string, value: string): string {
  if (UNFIT.test(value)) throw new TypeError('a header has a character that ends it')
  return `${name}: ${value}\r\n`
}
