import { SettingInvalid } from '@berth/runtime'
import { describe, expect, it } from 'vitest'
import { proxyFor } from './proxy.ts'
import { egressSettings } from './settings.ts'

const PROXIES = { HTTP_PROXY: 'http://plain:3128', HTTPS_PROXY: 'http://secure:3128' }

function proxyOf(url: string, noProxy = ''): string | undefined {
  return proxyFor(egressSettings({ ...PROXIES, NO_PROXY: noProxy }), new URL(url))?.host
}

describe('the proxy of a request', () => {
  it('is by the scheme of its target', () => {
    expect(proxyOf('http://idp.example.org')).toBe('plain:3128')
    expect(proxyOf('https://idp.example.org')).toBe('secure:3128')
    expect(proxyFor(egressSettings({}), new URL('https://idp.example.org'))).toBeUndefined()
  })

  it('is never asked for what is on this machine', () => {
    for (const host of ['localhost', '127.0.0.1', '[::1]']) expect(proxyOf(`http://${host}:80`)).toBeUndefined()
  })

  it.each([
    ['*', 'http://idp.example.org'],
    ['example.org', 'http://idp.example.org'],
    ['.example.org', 'http://idp.example.org'],
    ['*.example.org', 'http://idp.example.org'],
    ['idp.example.org:8443 other', 'https://idp.example.org:8443'],
    ['other,10.0.0.0/8', 'http://10.1.2.3'],
    ['192.0.2.1', 'http://192.0.2.1'],
    ['IDP.Example.Org', 'http://idp.example.org'],
  ])('is left out by NO_PROXY=%s for %s', (noProxy, url) => {
    expect(proxyOf(url, noProxy)).toBeUndefined()
  })

  it.each([
    ['example.org', 'http://notexample.org'],
    ['idp.example.org:8443', 'https://idp.example.org'],
    ['10.0.0.0/8', 'http://ten.example.org'],
  ])('is not left out by NO_PROXY=%s for %s', (noProxy, url) => {
    expect(proxyOf(url, noProxy)).toBeDefined()
  })

  it('may be set in lower case and without a scheme, and must be a web address', () => {
    expect(egressSettings({ https_proxy: 'proxy:8080' }).httpsProxy?.href).toBe('http://proxy:8080/')
    expect(() => egressSettings({ HTTP_PROXY: 'socks5://proxy:1080' })).toThrow(SettingInvalid)
  })
})
