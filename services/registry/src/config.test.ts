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

  it('take a window, a grace and a rate that are fractions or none', () => {
    expect(loadConfig(env)).toMatchObject({
      gc: { windowMs: 7_200_000, graceMs: 10_000 },
      scrubBytesPerSecond: 8 * 1024 * 1024,
    })
    const given = { GC_TIME_WINDOW_HOURS: '0.5', BERTH_REGISTRY_GC_GRACE_SECONDS: '0.25' }
    expect(loadConfig({ ...env, ...given }).gc).toEqual({ windowMs: 1_800_000, graceMs: 250 })
    const none = { ...given, GC_TIME_WINDOW_HOURS: '0', BERTH_REGISTRY_SCRUB_MIB_PER_SECOND: '0' }
    expect(loadConfig({ ...env, ...none })).toMatchObject({ gc: { windowMs: 0 }, scrubBytesPerSecond: 0 })
  })

  it.each([
    ['BERTH_REGISTRY_ROOT', ''],
    ['BERTH_REGISTRY_ROOT', 'data'],
    ['BERTH_STORAGE', 's3'],
    ['BERTH_EXTERNAL_URL', 'registry.example'],
    ['BERTH_REGISTRY_LISTEN', '5000'],
    ['GC_TIME_WINDOW_HOURS', '-1'],
    ['GC_TIME_WINDOW_HOURS', 'soon'],
    ['BERTH_REGISTRY_GC_GRACE_SECONDS', '-0.5'],
    ['BERTH_REGISTRY_SCRUB_MIB_PER_SECOND', 'fast'],
  ])('are refused with %s=%s, by name', (name, value) => {
    expect(() => loadConfig({ ...env, [name]: value })).toThrow(name)
  })
})
