import assert from 'node:assert/strict'
import type { Content } from './content.ts'
import type { Reply } from './wire.ts'

export function expectStatus(reply: Reply, ...wanted: number[]): void {
  if (wanted.includes(reply.status)) return
  assert.fail(`${reply.status} instead of ${wanted.join(' or ')}: ${reply.body.toString('utf8').slice(0, 300)}`)
}

export function expectHeader(reply: Reply, name: string, wanted: string): void {
  assert.equal(reply.headers[name], wanted, `${name} is ${JSON.stringify(reply.headers[name])} instead of ${wanted}`)
}

/** One of the codes, in the body all errors have. @see distribution-spec, "Error Codes" */
export function expectError(reply: Reply, status: number, ...codes: string[]): void {
  expectStatus(reply, status)
  const { errors } = JSON.parse(reply.body.toString('utf8')) as { errors: { code: string }[] }
  const code = errors[0]?.code ?? ''
  assert.ok(codes.includes(code), `${status} ${code} instead of ${codes.join(' or ')}`)
}

/** Exactly these bytes; a HEAD has their length and none of them. */
export function expectContent(reply: Reply, content: Content, head = false): void {
  expectStatus(reply, 200)
  expectHeader(reply, 'content-length', String(content.bytes.length))
  const wanted = head ? Buffer.alloc(0) : content.bytes
  assert.ok(reply.body.equals(wanted), `${reply.body.length} bytes that are not those that were pushed`)
}

/** Location is there and leads somewhere; returned as a whole URL. */
export function locationOf(reply: Reply): URL {
  const { location } = reply.headers
  if (location === undefined) assert.fail(`no Location in the ${reply.status}`)
  return new URL(location, reply.url)
}
