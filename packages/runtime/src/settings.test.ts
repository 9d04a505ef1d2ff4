import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  booleanSetting,
  databaseUrl,
  natsSettings,
  parseSettings,
  SettingInvalid,
  secretKeySetting,
  serviceSettings,
} from './settings.ts'

const env = {
  NATS_URL: 'nats://127.0.0.1:4222',
  BERTH_LOG_COLLECTOR_LISTEN: '127.0.0.1:1',
  BERTH_LOG_COLLECTOR_ADMIN_LISTEN: '[::1]:2',
}

describe('the settings of a service', () => {
  it('are read from its own names and have defaults', () => {
    expect(serviceSettings('log-collector', env)).toEqual({
      listen: { host: '127.0.0.1', port: 1 },
      adminListen: { host: '::1', port: 2 },
      nats: { url: 'nats://127.0.0.1:4222' },
      logLevel: 'info',
      replica: 0,
      parentPid: undefined,
      graceMs: 20_000,
    })
  })

  it.each([
    [{ NATS_URL: '' }, 'NATS_URL is not set'],
    [{ NATS_URL: 'http://x' }, 'NATS_URL: must begin with nats:// or tls://'],
    [{ BERTH_LOG_COLLECTOR_LISTEN: '127.0.0.1:99999' }, 'BERTH_LOG_COLLECTOR_LISTEN: must be host:port'],
    [{ BERTH_LOG_LEVEL: 'loud' }, 'BERTH_LOG_LEVEL: '],
    [{ BERTH_LOG_COLLECTOR_NATS_CREDS: '/nowhere' }, 'BERTH_LOG_COLLECTOR_NATS_CREDS: holds no NATS credentials'],
  ])('stop the boot with one line when one is wrong: %j', (wrong, words) => {
    expect(() => serviceSettings('log-collector', { ...env, ...wrong })).toThrow(words)
  })

  it('never show the value of what is wrong', () => {
    const parse = () => parseSettings(z.object({ BERTH_SECRET_KEY: secretKeySetting }), { BERTH_SECRET_KEY: 'hunter2' })
    expect(parse).toThrow(SettingInvalid)
    expect(parse).not.toThrow(/hunter2/)
  })

  it('know a boolean by several names', () => {
    const read = (text: string) => parseSettings(z.object({ X: booleanSetting }), { X: text }).X
    expect([read('TRUE'), read('1'), read('no'), read('false')]).toEqual([true, true, false, false])
    expect(() => read('maybe')).toThrow('X: must be true or false')
  })

  it('prefer the own database account to the one for all', () => {
    expect(databaseUrl('core', { DATABASE_URL: 'postgres://all', BERTH_CORE_DATABASE_URL: 'postgres://own' })).toBe(
      'postgres://own',
    )
    expect(databaseUrl('core', { DATABASE_URL: 'postgres://all' })).toBe('postgres://all')
    expect(() => databaseUrl('core', {})).toThrow('BERTH_CORE_DATABASE_URL is not set')
  })

  it('read NATS credentials as JSON or as a .creds file', () => {
    const dir = mkdtempSync(join(tmpdir(), 'berth-settings-'))
    const json = join(dir, 'core.json')
    const creds = join(dir, 'core.creds')
    writeFileSync(json, '{"user":"core","pass":"x"}')
    writeFileSync(creds, '-----BEGIN NATS USER JWT-----\nabc\n')
    expect(natsSettings('nats://h', json)).toEqual({ url: 'nats://h', user: 'core', pass: 'x' })
    expect(natsSettings('nats://h', creds).creds).toContain('BEGIN NATS USER JWT')
    rmSync(dir, { recursive: true })
  })

  it('takes the credentials out of the URL, also when the password begins with a digit', () => {
    expect(natsSettings('nats://core:4Wr%2Fx@127.0.0.1:4222,nats://core:4Wr%2Fx@127.0.0.1:4223')).toEqual({
      url: 'nats://127.0.0.1:4222,nats://127.0.0.1:4223',
      user: 'core',
      pass: '4Wr/x',
    })
  })
})
