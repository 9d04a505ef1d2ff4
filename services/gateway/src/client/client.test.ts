import { describe, expect, it } from 'vitest'
import { countedAs, findAddress, findNetwork, isWithin, type Network } from './addresses.ts'
import { clientOf, forwardedHeaders } from './client.ts'

const networks = (...texts: string[]) => texts.map((text) => findNetwork(text) as Network)
const plain = { host: 'registry.example:5000', encrypted: false }

describe('the client', () => {
  it('is the peer, whatever it claims, when nobody is trusted', () => {
    const headers = { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example' }
    expect(clientOf({ ...plain, headers, peer: '::ffff:192.0.2.7' }, { trusted: [] })).toEqual({
      address: '192.0.2.7',
      proto: 'http',
      host: 'registry.example:5000',
      port: '5000',
      arrivedBy: 'http',
    })
  })

  it('is who a trusted proxy says, not who the client before it says', () => {
    const headers = {
      'x-forwarded-for': '6.6.6.6, 203.0.113.9, 10.0.0.4',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'registry.example',
    }
    const client = clientOf({ ...plain, headers, peer: '10.0.0.1' }, { trusted: networks('10.0.0.0/8') })
    expect(client).toMatchObject({ address: '203.0.113.9', proto: 'https', host: 'registry.example', port: '443' })
  })

  it('is the farthest proxy where all are trusted, and the nearest known where one talks nonsense', () => {
    const trusted = networks('10.0.0.0/8')
    const address = (list: string) =>
      clientOf({ ...plain, headers: { 'x-forwarded-for': list }, peer: '10.0.0.1' }, { trusted }).address
    expect(address('10.0.0.3, 10.0.0.2')).toBe('10.0.0.3')
    expect(address('1.1.1.1, unknown, 10.0.0.2')).toBe('10.0.0.2')
    expect(address('')).toBe('10.0.0.1')
    expect(address('0x7f.1')).toBe('10.0.0.1')
  })

  it('is not described by values that are none, even of a trusted proxy', () => {
    const headers = { 'x-forwarded-proto': 'gopher', 'x-forwarded-host': 'a"; host=b' }
    const client = clientOf({ ...plain, headers, peer: '10.0.0.1' }, { trusted: networks('10.0.0.1') })
    expect(client).toMatchObject({ proto: 'http', host: 'registry.example:5000' })
  })

  it('came to the external URL when there is one, and how it came to us is remembered', () => {
    const external = { proto: 'https' as const, host: 'hub.example' }
    expect(clientOf({ ...plain, headers: {}, peer: '192.0.2.7' }, { trusted: [], external })).toMatchObject({
      proto: 'https',
      host: 'hub.example',
      port: '443',
      arrivedBy: 'http',
    })
  })

  it('came by https when the door speaks TLS', () => {
    const client = clientOf({ headers: {}, host: 'a', encrypted: true, peer: '192.0.2.7' }, { trusted: [] })
    expect(client).toMatchObject({ proto: 'https', port: '443', arrivedBy: 'https' })
  })
})

describe('forwarded headers', () => {
  it('say one client, one host and one protocol', () => {
    const client = { address: '2001:db8::1', proto: 'https', host: 'a:444', port: '444', arrivedBy: 'https' } as const
    expect(forwardedHeaders(client)).toEqual({
      'x-forwarded-for': '2001:db8::1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'a:444',
      'x-forwarded-port': '444',
      forwarded: 'for="[2001:db8::1]";host="a:444";proto=https',
    })
  })
})

describe('addresses', () => {
  it('are within a network, also where the system maps IPv4 into IPv6', () => {
    expect(isWithin('10.1.2.3', networks('::ffff:10.0.0.0/104'))).toBe(true)
    expect(isWithin('::1', networks('127.0.0.1', '::1'))).toBe(true)
    expect(isWithin('192.0.2.1', networks('2001:db8::/32'))).toBe(false)
  })

  it('are refused in forms only some readers know', () => {
    for (const text of ['127.1', '0x7f.0.0.1', '10.0.0.0/33', 'localhost', ''])
      expect(findNetwork(text)).toBeUndefined()
    expect(findAddress('2130706433')).toBeUndefined()
  })

  it('of IPv6 count by their /64', () => {
    expect(countedAs('2001:db8:0:1::5')).toBe(countedAs('2001:db8:0:1:ffff::9'))
    expect(countedAs('2001:db8:0:1::5')).not.toBe(countedAs('2001:db8:0:2::5'))
    expect(countedAs('192.0.2.1')).toBe('192.0.2.1')
  })
})
