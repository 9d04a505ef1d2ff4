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

  it('may name an S3, then no directory is needed', () => {
    const { BERTH_REGISTRY_ROOT: _, ...rest } = env
    const s3 = {
      ...rest,
      BERTH_STORAGE: 's3',
      BERTH_S3_ENDPOINT: 'http://127.0.0.1:9000',
      BERTH_S3_BUCKET: 'blobs',
      BERTH_S3_ACCESS_KEY: 'key',
      BERTH_S3_SECRET_KEY: 'secret',
    }
    const named = { bucket: 'blobs', endpoint: { host: '127.0.0.1', port: 9000, tls: false }, redirect: false }
    expect(loadConfig(s3).storage).toMatchObject({ driver: 's3', s3: named })
    const { storage } = loadConfig({ ...s3, BERTH_REGISTRY_STREAM_NETWORKS: '10.0.0.0/8, fd00::/8,192.0.2.1' })
    const networks = storage.driver === 's3' ? storage.streamNetworks.rules : []
    expect(networks).toHaveLength(3)
    expect(() => loadConfig({ ...s3, BERTH_S3_BUCKET: '' })).toThrow('BERTH_S3_BUCKET is not set')
    expect(() => loadConfig(rest)).toThrow('BERTH_REGISTRY_ROOT is not set')
  })

  it.each([
    ['BERTH_REGISTRY_ROOT', ''],
    ['BERTH_REGISTRY_ROOT', 'data'],
    ['BERTH_STORAGE', 'ftp'],
    ['BERTH_REGISTRY_STREAM_NETWORKS', '10.0.0.0/33'],
    ['BERTH_REGISTRY_STREAM_NETWORKS', 'somewhere'],
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
