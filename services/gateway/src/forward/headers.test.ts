import { describe, expect, it } from 'vitest'
import { clientHeaders, upstreamHeaders } from './headers.ts'

const client = { address: '192.0.2.1', proto: 'https', host: 'a.example', port: '443', arrivedBy: 'https' } as const
const context = { requestId: 'r-1', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }

describe('what a service gets of a request', () => {
  it('is the client’s headers without claims only we may make', () => {
    const headers = upstreamHeaders(
      {
        host: 'a.example',
        authorization: 'Basic x',
        cookie: 'sid=1',
        'x-harbor-csrf-token': 't',
        'x-forwarded-for': '6.6.6.6',
        'x-forwarded-prefix': '/x',
        forwarded: 'for=6.6.6.6',
        'x-real-ip': '6.6.6.6',
        'x-original-uri': '/admin',
        'x-rewrite-url': '/admin',
        'x-berth-user': 'admin',
        'x-request-id': 'bad id',
      },
      [],
      client,
      context,
    )
    expect(headers).toEqual({
      host: 'a.example',
      authorization: 'Basic x',
      cookie: 'sid=1',
      'x-harbor-csrf-token': 't',
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'a.example',
      'x-forwarded-port': '443',
      forwarded: 'for=192.0.2.1;host="a.example";proto=https',
      'x-request-id': 'r-1',
      traceparent: context.traceparent,
    })
  })

  it('has nothing of our connection with the client', () => {
    const headers = upstreamHeaders(
      {
        connection: 'x-only-here',
        'keep-alive': 'timeout=5',
        te: 'trailers',
        upgrade: 'h2c',
        'http2-settings': 'AAA',
        'proxy-authorization': 'Basic x',
        'proxy-connection': 'close',
        expect: '100-continue',
        'transfer-encoding': 'chunked',
        'x-only-here': '1',
        accept: '*/*',
      },
      ['x-only-here'],
      client,
      context,
    )
    const ours = ['forwarded', 'traceparent', 'x-request-id']
    const told = Object.keys(headers).filter((name) => !name.startsWith('x-forwarded-') && !ours.includes(name))
    expect(told).toEqual(['accept'])
  })

  it('keeps the state of a trace only with that trace', () => {
    const own = { traceparent: context.traceparent, tracestate: 'a=1' }
    expect(upstreamHeaders(own, [], client, context).tracestate).toBe('a=1')
    expect(upstreamHeaders({ ...own, traceparent: 'junk' }, [], client, context).tracestate).toBeUndefined()
  })
})

describe('what a client gets of an answer', () => {
  it('is every header in its place, several cookies too, without what ends here', () => {
    const raw = ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Connection', 'close, X-Hop', 'X-Hop', '1', 'ETag', '"x"']
    raw.push('Transfer-Encoding', 'chunked', 'X-Request-Id', 'theirs', 'X-Berth-Credentials', 'good')
    expect(clientHeaders(raw, 'close, X-Hop')).toEqual(['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'ETag', '"x"'])
  })
})
