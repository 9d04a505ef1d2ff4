import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Seen, sendRaw, startTrial, statusesOf, type Trial, until } from './trial/index.ts'

const SECOND = 'GET /v2/smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
const HOST = 'Host: registry.example\r\n'
const chunkedSecond = `${SECOND.length.toString(16)}\r\n${SECOND}\r\n0\r\n\r\n`

const FRAMED_TWICE: [string, string][] = [
  ['a chunked GET', `GET /v2/ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunkedSecond}`],
  ['a chunked HEAD', `HEAD /v2/ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunkedSecond}`],
  ['a chunked DELETE', `DELETE /v2/a/b HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunkedSecond}`],
  ['a chunked OPTIONS', `OPTIONS /v2/ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunkedSecond}`],
  [
    'Content-Length and Transfer-Encoding',
    `POST /v2/ HTTP/1.1\r\n${HOST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SECOND}`,
  ],
  [
    'Transfer-Encoding and Content-Length',
    `POST /v2/ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${SECOND}`,
  ],
  ['two Content-Length', `POST /v2/ HTTP/1.1\r\n${HOST}Content-Length: 0\r\nContent-Length: 40\r\n\r\n${SECOND}`],
  ['two equal Content-Length', `POST /v2/ HTTP/1.1\r\n${HOST}Content-Length: 0\r\nContent-Length: 0\r\n\r\n${SECOND}`],
  ['a list as Content-Length', `POST /v2/ HTTP/1.1\r\n${HOST}Content-Length: 0, 0\r\n\r\n${SECOND}`],
  ['a signed Content-Length', `POST /v2/ HTTP/1.1\r\n${HOST}Content-Length: +0\r\n\r\n${SECOND}`],
  ['a negative Content-Length', `POST /v2/ HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n${SECOND}`],
  ['a hexadecimal Content-Length', `POST /v2/ HTTP/1.1\r\n${HOST}Content-Length: 0x0\r\n\r\n${SECOND}`],
  [
    'two Transfer-Encoding',
    `POST /v2/ HTTP/1.1\r\n${HOST}${'Transfer-Encoding: chunked\r\n'.repeat(2)}\r\n${chunkedSecond}`,
  ],
  ['an unknown Transfer-Encoding', `POST /v2/ HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n${chunkedSecond}`],
  [
    'chunked and something after it',
    `POST /v2/ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, identity\r\n\r\n${SECOND}`,
  ],
  ['gzip before chunked', `POST /v2/ HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n${chunkedSecond}`],
  ['a space before the colon', `POST /v2/ HTTP/1.1\r\n${HOST}Transfer-Encoding : chunked\r\n\r\n${chunkedSecond}`],
  [
    'a tab before chunked, folded',
    `POST /v2/ HTTP/1.1\r\n${HOST}Transfer-Encoding:\r\n\tchunked\r\n\r\n${chunkedSecond}`,
  ],
  ['a bare LF for a line end', `POST /v2/ HTTP/1.1\n${HOST}X: 1\nTransfer-Encoding: chunked\r\n\r\n${chunkedSecond}`],
  ['a bare CR in a header', `GET /v2/ HTTP/1.1\r\n${HOST}X: 1\rTransfer-Encoding: chunked\r\n\r\n${SECOND}`],
  ['a NUL in a header', `GET /v2/ HTTP/1.1\r\n${HOST}X: 1\0\r\n\r\n${SECOND}`],
  ['chunked in HTTP/1.0', `POST /v2/ HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunkedSecond}`],
  [
    'a Connection that names the length',
    `POST /v2/ HTTP/1.1\r\n${HOST}Connection: content-length\r\nContent-Length: 4\r\n\r\nabcd`,
  ],
  ['no Host', `GET /v2/ HTTP/1.1\r\n\r\n${SECOND}`],
  ['two Hosts', `GET /v2/ HTTP/1.1\r\n${HOST}Host: other\r\n\r\n${SECOND}`],
  ['a Host that is none', `GET /v2/ HTTP/1.1\r\nHost: a/b\r\n\r\n${SECOND}`],
  ['an absolute target', `GET http://core/v2/ HTTP/1.1\r\n${HOST}\r\n${SECOND}`],
  ['CONNECT', `CONNECT core:80 HTTP/1.1\r\n${HOST}\r\n${SECOND}`],
  ['TRACE', `TRACE /v2/ HTTP/1.1\r\n${HOST}\r\n${SECOND}`],
  ['an upgrade', `GET /v2/ HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n${SECOND}`],
  [
    'a chunk size that is none',
    `POST /v2/ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n`,
  ],
  ['HTTP/2 without agreement', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
]

let trial: Trial
let close: () => Promise<void>
beforeAll(async () => {
  ;({ trial, close } = await startTrial())
})
afterAll(() => close())

const services = () => [...trial.core, ...trial.registry, ...trial.token]
const seen = (): Seen[] => services().flatMap((service) => service.seen)
beforeEach(() => {
  for (const service of services()) service.seen.length = 0
})

describe('a request that can be read in two ways', () => {
  it.each(FRAMED_TWICE)('with %s is refused, and nothing of it reaches a service', async (_name, bytes) => {
    const text = await sendRaw(trial.gateway.port, bytes)
    expect(statusesOf(text)).toEqual([400])
    expect(text.toLowerCase()).toContain('connection: close')
    expect(text.toLowerCase()).toContain('x-request-id: ')
    expect(seen()).toEqual([])
  })

  it('because its framing hides behind thousands of headers is refused', async () => {
    const many = 'a:\r\n'.repeat(2_500)
    const bytes = `GET /v2/ HTTP/1.1\r\n${HOST}${many}Transfer-Encoding: chunked\r\n\r\n${chunkedSecond}`
    expect(statusesOf(await sendRaw(trial.gateway.port, bytes))).toEqual([431])
    expect(seen()).toEqual([])
  })

  it('because its head is larger than we read is refused in the shape of every error', async () => {
    const text = await sendRaw(trial.gateway.port, `GET /v2/ HTTP/1.1\r\n${HOST}X: ${'a'.repeat(70_000)}\r\n\r\n`)
    expect(statusesOf(text)).toEqual([431])
    expect(text).toContain('{"errors":[{"code":"BAD_REQUEST"')
  })
})

describe('a request with a body that is framed once', () => {
  it('reaches the service as one request, whatever its body looks like', async () => {
    const { port } = trial.gateway
    const bytes = `POST /v2/ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunkedSecond}`
    expect(statusesOf(await sendRaw(port, bytes))).toEqual([200])
    const sized = `DELETE /v2/a HTTP/1.1\r\n${HOST}Content-Length: ${SECOND.length}\r\n\r\n${SECOND}`
    expect(statusesOf(await sendRaw(port, sized))).toEqual([200])
    const got = `GET /v2/a HTTP/1.1\r\n${HOST}Content-Length: ${SECOND.length}\r\n\r\n${SECOND}`
    expect(statusesOf(await sendRaw(port, got))).toEqual([200])
    expect(seen().map(({ method, url, body }) => [method, url, body])).toEqual([
      ['POST', '/v2/', SECOND],
      ['DELETE', '/v2/a', SECOND],
      ['GET', '/v2/a', SECOND],
    ])
  })

  it('is followed by the next one of its connection, each with its own answer', async () => {
    const one = `GET /v2/1 HTTP/1.1\r\n${HOST}\r\n`
    const two = `PUT /v2/2 HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nab`
    const three = `GET /api/version HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`
    const text = await sendRaw(trial.gateway.port, one + two + three)
    expect(statusesOf(text)).toEqual([200, 200, 200])
    expect(
      seen()
        .map(({ url }) => url)
        .toSorted(),
    ).toEqual(['/api/version', '/v2/1', '/v2/2'])
  })

  it('that breaks off in a chunk never becomes a whole one', async () => {
    const head = `PATCH /v2/a/b/blobs/uploads/1 HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`
    const text = await sendRaw(trial.gateway.port, [head, 'zz\r\nevil'])
    expect(statusesOf(text)).toEqual([400])
    await until(() => expect(trial.registry[0]?.running()).toBe(0))
    expect(seen()).toEqual([])
  })
})

describe('a path', () => {
  it.each([
    '//v2/_catalog',
    '/v2//_catalog',
    '/v2/../api/v2.0/users',
    '/v2/%2e%2e/api/v2.0/users',
    '/v2/a/%2e%2e%2f%2e%2e/b',
    '/v2/a%2fb/manifests/x',
    '/v2/a%5cb/manifests/x',
    '/v2/a\\b',
    '/v2/%00',
    '/v2/%c0%ae%c0%ae/',
    '/v2/%zz',
    '/v2/a%252f..%252f',
    '/api/v2.0/projects/%252e%252e/x',
  ])('%s that could be another one reaches nobody', async (path) => {
    const text = await sendRaw(trial.gateway.port, `GET ${path} HTTP/1.1\r\n${HOST}\r\n`)
    expect(statusesOf(text)).toEqual([400])
    expect(seen()).toEqual([])
  })

  it.each([
    '/api/v2.0/projects/x/repositories/a%252Fb/artifacts?q=tags%3D*&with_tag=true',
    '/api/v2.0/projects/x/repositories/a%2Fb',
    '/v2/a/b/blobs/uploads/?mount=sha256:ab&from=//x',
    '/api/v2.0/projects?q=name=~{x}|^`"<>',
    '/api/http:/x',
    '/v2/library/app/manifests/sha256%3Aab',
  ])('%s reaches its service byte for byte', async (path) => {
    const text = await sendRaw(trial.gateway.port, `GET ${path} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
    expect(statusesOf(text)).toEqual([200])
    expect(seen().map(({ url }) => url)).toEqual([path])
  })
})
