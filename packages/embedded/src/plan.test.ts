import { describe, expect, it } from 'vitest'
import { type PlanInput, planServices, publicUrl } from './plan.ts'
import { loadSuiteSettings } from './settings.ts'

const PREVIOUS_KEY = 'Jr9kZ1xYv0mQ3sT6uW8yB+C/eH4kM7pRtUwXzA2D5f0='

function input(env: NodeJS.ProcessEnv = {}): PlanInput {
  let port = 20_000
  return {
    settings: loadSuiteSettings(env, '/clone'),
    dataPath: '/clone/.berth',
    secretKey: 'the-key',
    admin: { password: 'Admin12345', path: '/clone/.berth/admin-password' },
    natsUrl: 'nats://127.0.0.1:4222',
    natsCredentialsOf: (service) => `/clone/.berth/nats/${service}.json`,
    databaseUrlOf: (service) => `postgres://berth_${service}@127.0.0.1/berth`,
    inherited: { PATH: '/bin', ...env },
    port: async () => port++,
  }
}

describe('the plan of the suite', () => {
  it('gives every process doors of its own and tells the gateway of all of them', async () => {
    const plan = await planServices(input({ BERTH_SCALE: 'registry=2' }))
    const doors = plan.flatMap((one) => [...new Set([one.http.port, one.admin.port])])
    expect(new Set(doors).size).toBe(doors.length)
    const registries = plan.filter((one) => one.service === 'registry')
    expect(registries.map((one) => one.env.BERTH_REPLICA)).toEqual(['0', '1'])
    const gateway = plan.find((one) => one.service === 'gateway')
    expect(gateway?.env.BERTH_GATEWAY_LISTEN).toBe('127.0.0.1:8080')
    expect(gateway?.env.BERTH_GATEWAY_REGISTRY_URLS).toBe(registries.map((one) => one.url).join(','))
    const health = registries.map((one) => `http://127.0.0.1:${one.admin.port}/readyz`)
    expect(gateway?.env.BERTH_GATEWAY_REGISTRY_HEALTH_URLS).toBe(health.join(','))
  })

  it('lets replicas of the gateway share the public port', async () => {
    const shares = async (scale: string) => {
      const plan = await planServices(input({ BERTH_SCALE: scale }))
      return plan.filter((one) => one.service === 'gateway').map((one) => one.env.BERTH_GATEWAY_REUSE_PORT)
    }
    expect(await shares('gateway=2')).toEqual(['true', 'true'])
    expect(await shares('')).toEqual(['false'])
  })

  it('lets clients fetch the certificate that was made for us', async () => {
    const fileOf = async (env: NodeJS.ProcessEnv) =>
      (await planServices(input(env))).find((one) => one.service === 'core')?.env.BERTH_CORE_CA_FILE
    expect(await fileOf({ BERTH_TLS: 'self-signed' })).toBe('/clone/.berth/tls/gateway.crt')
    expect(await fileOf({ BERTH_TLS: 'self-signed', BERTH_CORE_CA_FILE: '/ca.pem' })).toBe('/ca.pem')
    expect(await fileOf({})).toBeUndefined()
  })

  it('hands a secret only to who needs it', async () => {
    const secrets = {
      BERTH_ADMIN_PASSWORD: 'Admin12345',
      HARBOR_ADMIN_PASSWORD: 'Admin12345',
      DATABASE_URL: 'postgres://all@db/berth',
      NATS_URL: 'nats://all@nats',
      BERTH_CORE_DATABASE_URL: 'postgres://core@db/berth',
      BERTH_SECRET_KEY_PREVIOUS: PREVIOUS_KEY,
      CONFIG_OVERWRITE_JSON: '{"ldap_search_password":"x"}',
      LDAP_SEARCH_PWD: 'Directory1',
    }
    const plan = await planServices(input(secrets))
    const having = (name: string) => plan.filter((one) => one.env[name]).map((one) => one.service)
    expect(having('BERTH_SECRET_KEY')).toEqual(['core', 'token'])
    expect(having('BERTH_SECRET_KEY_PREVIOUS')).toEqual(['core', 'token'])
    expect(having('CONFIG_OVERWRITE_JSON')).toEqual(['core'])
    expect(having('LDAP_SEARCH_PWD')).toEqual(['core'])
    expect(having('BERTH_ADMIN_PASSWORD')).toEqual(['core'])
    expect(having('HARBOR_ADMIN_PASSWORD')).toEqual([])
    expect(having('DATABASE_URL')).toEqual([])
    expect(having('BERTH_CORE_DATABASE_URL')).toEqual(['core'])
    expect(new Set(plan.map((one) => one.env.NATS_URL))).toEqual(new Set(['nats://127.0.0.1:4222']))
  })

  it('keeps blobs in a directory of its own, or on the S3 that only the registry knows', async () => {
    const registryOf = async (env: NodeJS.ProcessEnv) =>
      (await planServices(input(env))).find((one) => one.service === 'registry')?.env
    expect(await registryOf({})).toMatchObject({
      BERTH_STORAGE: 'filesystem',
      BERTH_REGISTRY_ROOT: '/clone/.berth/registry',
    })
    const s3 = {
      BERTH_STORAGE: 's3',
      BERTH_S3_ENDPOINT: 'http://127.0.0.1:9000',
      BERTH_S3_BUCKET: 'blobs',
      BERTH_S3_ACCESS_KEY: 'key',
      BERTH_S3_SECRET_KEY: 'secret',
      AWS_ACCESS_KEY_ID: 'other',
    }
    const plan = await planServices(input(s3))
    const having = (name: string) => plan.filter((one) => one.env[name]).map((one) => one.service)
    for (const name of ['BERTH_S3_ENDPOINT', 'BERTH_S3_SECRET_KEY', 'AWS_ACCESS_KEY_ID']) {
      expect(having(name)).toEqual(['registry'])
    }
    expect(await registryOf(s3)).toMatchObject({ BERTH_STORAGE: 's3' })
    expect(await registryOf(s3)).not.toHaveProperty('BERTH_REGISTRY_ROOT')
  })

  it("hands on the operator's settings, but not those of another service", async () => {
    const plan = await planServices(
      input({ BERTH_TOKEN_ALG: 'ES256', BERTH_REGISTRY_UPLOAD_TTL_HOURS: '2', TZ: 'UTC' }),
    )
    const having = (name: string) => plan.filter((one) => one.env[name]).map((one) => one.service)
    expect(having('BERTH_TOKEN_ALG')).toEqual(['token'])
    expect(having('BERTH_REGISTRY_UPLOAD_TTL_HOURS')).toEqual(['registry'])
    expect(having('TZ')).toHaveLength(5)
  })
})

describe('the URL of a suite', () => {
  const urlOf = (env: NodeJS.ProcessEnv) => publicUrl(loadSuiteSettings(env, '/clone'))

  it('is one that this machine can reach', () => {
    expect(urlOf({})).toBe('http://127.0.0.1:8080')
    expect(urlOf({ BERTH_BIND: '0.0.0.0', BERTH_HTTP_PORT: '80' })).toBe('http://127.0.0.1:80')
    expect(urlOf({ BERTH_BIND: '::1' })).toBe('http://[::1]:8080')
    expect(urlOf({ BERTH_TLS: 'self-signed' })).toBe('https://127.0.0.1:8443')
  })
})
