import { describe, expect, it } from 'vitest'
import { loadConfig } from './config.ts'

const env = {
  BERTH_REGISTRY_LISTEN: '127.0.0.1:5000',
  BERTH_REGISTRY_ADMIN_LISTEN: '127.0.0.1:5001',
  BERTH_REGISTRY_ROOT: '/data',
  NATS_URL: 'nats://127.0.0.1:4222',
  DATABASE_URL: 'postgres://127.0.0.1/berth',
}

describe('the settings', () => {
  it('have few that must be given', () => {
    expect(loadConfig(env)).toMatchObject({
      listen: { host: '127.0.0.1', port: 5000 },
      storage: { driver: 'filesystem', root: '/data' },
      databaseUrl: 'postgres://127.0.0.1/berth',
      externalUrl: undefined,
    })
    expect(loadConfig({ ...env, BERTH_EXTERNAL_URL: 'https://r.example/' }).externalUrl).toBe('https://r.example')
  })

  it.each([
    ['BERTH_REGISTRY_ROOT', ''],
    ['BERTH_REGISTRY_ROOT', 'data'],
    ['BERTH_STORAGE', 's3'],
    ['BERTH_EXTERNAL_URL', 'registry.example'],
    ['BERTH_REGISTRY_LISTEN', '5000'],
  ])('are refused with %s=%s, by name', (name, value) => {
    expect(() => loadConfig({ ...env, [name]: value })).toThrow(name)
  })
})
