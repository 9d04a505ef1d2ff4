import { describe, expect, it } from 'vitest'
import { loadConfig } from './config.ts'

const ENV = {
  NATS_URL: 'nats://127.0.0.1:4222',
  BERTH_GATEWAY_LISTEN: '127.0.0.1:8080',
  BERTH_GATEWAY_ADMIN_LISTEN: '127.0.0.1:9080',
  BERTH_GATEWAY_CORE_URLS: 'http://127.0.0.1:8081',
  BERTH_GATEWAY_REGISTRY_URLS: 'http://127.0.0.1:5000, http://[::1]:5001/',
  BERTH_GATEWAY_TOKEN_URLS: 'http://token',
}

describe('settings', () => {
  it('name the replicas of each service', () => {
    const { upstreams } = loadConfig(ENV)
    expect(upstreams.registry).toEqual([
      { hostname: '127.0.0.1', port: 5000 },
      { hostname: '::1', port: 5001 },
    ])
    expect(upstreams.token).toEqual([{ hostname: 'token', port: 80 }])
  })

  it('have sensible values where nothing is said', () => {
    const defaults = { trustedProxies: [], redirect: false, failedLoginsPerMinute: 30, answerTimeoutMs: 300_000 }
    expect(loadConfig(ENV)).toMatchObject({ ...defaults, reusePort: false })
    expect(loadConfig(ENV).tls).toBeUndefined()
  })

  it('give each replica its own health URL', () => {
    const env = { ...ENV, BERTH_GATEWAY_CORE_HEALTH_URLS: 'http://127.0.0.1:9081/readyz' }
    expect(loadConfig(env).upstreams.core[0]?.healthUrl?.href).toBe('http://127.0.0.1:9081/readyz')
  })

  it.each([
    [{ BERTH_GATEWAY_CORE_URLS: '' }, 'BERTH_GATEWAY_CORE_URLS is not set'],
    [{ BERTH_GATEWAY_CORE_URLS: 'core:80' }, 'BERTH_GATEWAY_CORE_URLS'],
    [{ BERTH_GATEWAY_CORE_URLS: 'https://core' }, 'BERTH_GATEWAY_CORE_URLS'],
    [{ BERTH_GATEWAY_CORE_URLS: 'http://core/below' }, 'BERTH_GATEWAY_CORE_URLS'],
    [{ BERTH_GATEWAY_REGISTRY_HEALTH_URLS: 'http://a/readyz' }, 'BERTH_GATEWAY_REGISTRY_HEALTH_URLS'],
    [{ BERTH_TRUSTED_PROXIES: '10.0.0.0/8, everybody' }, 'BERTH_TRUSTED_PROXIES'],
    [{ BERTH_EXTERNAL_URL: 'registry.example.com' }, 'BERTH_EXTERNAL_URL'],
    [{ BERTH_EXTERNAL_URL: 'https://registry.example.com/berth' }, 'BERTH_EXTERNAL_URL'],
    [{ BERTH_TLS: 'on' }, 'BERTH_TLS'],
    [{ BERTH_TLS: 'self-signed' }, 'BERTH_GATEWAY_TLS_LISTEN'],
    [{ BERTH_TLS: 'self-signed', BERTH_GATEWAY_TLS_LISTEN: '127.0.0.1:8443' }, 'BERTH_GATEWAY_TLS_DIR'],
    [{ BERTH_TLS: 'files', BERTH_GATEWAY_TLS_LISTEN: '127.0.0.1:8443' }, 'BERTH_TLS_CERT'],
    [
      {
        BERTH_TLS: 'files',
        BERTH_GATEWAY_TLS_LISTEN: '127.0.0.1:8443',
        BERTH_TLS_CERT: '/nowhere.crt',
        BERTH_TLS_KEY: '/nowhere.key',
      },
      'BERTH_TLS_CERT',
    ],
    [{ BERTH_HTTP_REDIRECT: 'true' }, 'BERTH_HTTP_REDIRECT'],
    [{ BERTH_GATEWAY_FAILED_LOGINS_PER_MINUTE: 'many' }, 'BERTH_GATEWAY_FAILED_LOGINS_PER_MINUTE'],
  ])('that are wrong stop the start: %j', (wrong, name) => {
    expect(() => loadConfig({ ...ENV, ...wrong })).toThrow(name)
  })

  it('allow the redirect where somebody in front of us ends TLS', () => {
    const env = { ...ENV, BERTH_HTTP_REDIRECT: 'true', BERTH_EXTERNAL_URL: 'https://registry.example.com' }
    expect(loadConfig(env).redirect).toBe(true)
  })
})
