import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadSuiteSettings, parseScale } from './settings.ts'
import { StartRefused } from './start-refused.ts'

const load = (env: NodeJS.ProcessEnv) => loadSuiteSettings(env, '/clone')

function refusal(env: NodeJS.ProcessEnv): StartRefused {
  try {
    load(env)
  } catch (err) {
    if (err instanceof StartRefused) return err
    throw err
  }
  throw new Error('was not refused')
}

describe('the settings of the suite', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-settings-'))
  afterAll(() => rmSync(directory, { recursive: true }))

  it('have a default each', () => {
    expect(load({})).toMatchObject({
      httpPort: 8080,
      httpsPort: 8443,
      bind: '127.0.0.1',
      dataPath: '/clone/.berth',
      tls: 'off',
      natsReplicas: 1,
      logLevel: 'info',
      scale: { core: 1, gateway: 1, 'log-collector': 1, registry: 1, token: 1 },
      warnings: [],
    })
  })

  it('take an empty value as absent', () => {
    expect(load({ BERTH_HTTP_PORT: '', DATABASE_URL: '' })).toMatchObject({ httpPort: 8080, databaseUrl: undefined })
  })

  it.each([
    ['BERTH_HTTP_PORT', '0'],
    ['BERTH_HTTP_PORT', '65536'],
    ['BERTH_HTTP_PORT', 'http'],
    ['BERTH_HTTPS_PORT', '8443.5'],
    ['BERTH_BIND', 'localhost'],
    ['BERTH_ADMIN_PASSWORD', 'short'],
    ['HARBOR_ADMIN_PASSWORD', 'alllowercase1'],
    ['BERTH_EXTERNAL_URL', 'registry.example.com'],
    ['BERTH_EXTERNAL_URL', 'https://registry.example.com/below'],
    ['BERTH_TRUSTED_PROXIES', '10.0.0.0/33'],
    ['BERTH_TRUSTED_PROXIES', '10.0.0.0/8,proxy'],
    ['BERTH_TLS', 'on'],
    ['BERTH_HTTP_REDIRECT', 'maybe'],
    ['BERTH_SECRET_KEY', 'c2hvcnQ='],
    ['BERTH_TOKEN_ALG', 'HS256'],
    ['DATABASE_URL', 'mysql://somewhere'],
    ['DATABASE_URL', 'postgres://user:hunter22@:::'],
    ['NATS_URL', 'http://somewhere'],
    ['NATS_URL', 'nats://a,b'],
    ['NATS_URL', 'nats://user:hunter22@:::'],
    ['BERTH_CORE_DATABASE_URL', 'postgres://core@somewhere/berth'],
    ['BERTH_TOKEN_NATS_CREDS', '/token.creds'],
    ['BERTH_NATS_REPLICAS', '2'],
    ['BERTH_STORAGE', 'ftp'],
    ['BERTH_S3_BUCKET', 'blobs'],
    ['MAX_JOB_WORKERS', '3'],
    ['GC_TIME_WINDOW_HOURS', '-1'],
    ['GC_TIME_WINDOW_HOURS', 'two'],
    ['BERTH_REGISTRY_GC_GRACE_SECONDS', 'ten'],
    ['BERTH_REGISTRY_SCRUB_MIB_PER_SECOND', '-8'],
    ['CONFIG_OVERWRITE_JSON', '{"read_only":'],
    ['CONFIG_OVERWRITE_JSON', '[]'],
    ['BERTH_SECRET_KEY_PREVIOUS', 'c2hvcnQ='],
    ['BERTH_EGRESS_DENY', '10.0.0.0/33'],
    ['HTTPS_PROXY', 'socks5://user:hunter22@proxy'],
    ['BERTH_SCALE', 'registry=0'],
    ['BERTH_SCALE', 'portal=1'],
    ['BERTH_LOG_LEVEL', 'loud'],
  ])('refuse %s=%s with one line that names it and does not show its value', (name, value) => {
    const { exitCode, message } = refusal({ [name]: value })
    expect(exitCode).toBe(2)
    expect(message).toMatch(new RegExp(`^berth: [^\\n]+ \\(${name}\\)$`))
    if (name.includes('PASSWORD') || name.includes('KEY')) expect(message).not.toContain(value)
  })

  it('take a window of garbage collection that is a fraction of an hour, or none', () => {
    for (const hours of ['0', '0.25', '2', '48']) expect(load({ GC_TIME_WINDOW_HOURS: hours }).warnings).toEqual([])
  })

  it('take a storage on S3, whole', () => {
    const s3 = { BERTH_STORAGE: 's3', BERTH_S3_ENDPOINT: 'http://127.0.0.1:9000', BERTH_S3_BUCKET: 'blobs' }
    expect(refusal(s3).message).toContain('(BERTH_S3_ACCESS_KEY)')
    Object.assign(s3, { AWS_WEB_IDENTITY_TOKEN_FILE: '/token' })
    expect(load(s3)).toMatchObject({ storage: 's3', warnings: [] })
    for (const [name, value] of [
      ['BERTH_S3_BUCKET', ''],
      ['BERTH_S3_ENDPOINT', 'somewhere'],
      ['BERTH_S3_SECRET_KEY', 'hunter22'],
      ['BERTH_S3_REDIRECT', 'maybe'],
      ['BERTH_S3_CA', '/nowhere'],
    ] as const) {
      const { exitCode, message } = refusal({ ...s3, [name]: value })
      expect(exitCode).toBe(2)
      const named = name === 'BERTH_S3_SECRET_KEY' ? 'BERTH_S3_ACCESS_KEY' : name
      expect(message).toMatch(new RegExp(`^berth: [^\\n]+ \\(${named}\\)$`))
      expect(message).not.toContain('hunter22')
    }
  })

  it('need a readable certificate and key when TLS is from files', () => {
    const cert = join(directory, 'cert.pem')
    writeFileSync(cert, 'certificate')
    expect(refusal({ BERTH_TLS: 'files' }).message).toContain('(BERTH_TLS_CERT)')
    expect(refusal({ BERTH_TLS: 'files', BERTH_TLS_CERT: cert }).message).toContain('(BERTH_TLS_KEY)')
    expect(refusal({ BERTH_TLS: 'files', BERTH_TLS_CERT: '/nowhere', BERTH_TLS_KEY: cert }).message).toContain('_CERT)')
    expect(load({ BERTH_TLS: 'files', BERTH_TLS_CERT: cert, BERTH_TLS_KEY: cert }).tls).toBe('files')
  })

  it('refuse a redirect to an HTTPS that is off, and one port for two doors', () => {
    expect(refusal({ BERTH_HTTP_REDIRECT: 'true' }).exitCode).toBe(2)
    const behindNginx = { BERTH_HTTP_REDIRECT: 'true', BERTH_EXTERNAL_URL: 'https://registry.example.com' }
    expect(load(behindNginx).tls).toBe('off')
    expect(refusal({ BERTH_TLS: 'self-signed', BERTH_HTTPS_PORT: '8080' }).exitCode).toBe(2)
  })

  it('refuse several copies of a stream on the one embedded server', () => {
    expect(refusal({ BERTH_NATS_REPLICAS: '3' }).exitCode).toBe(2)
    expect(load({ BERTH_NATS_REPLICAS: '3', NATS_URL: 'nats://a,nats://b' }).natsReplicas).toBe(3)
  })

  it("take Harbor's name for the admin password, and ours before it", () => {
    expect(load({ HARBOR_ADMIN_PASSWORD: 'Harbor12345' }).adminPassword).toBe('Harbor12345')
    expect(load({ HARBOR_ADMIN_PASSWORD: 'Harbor12345', BERTH_ADMIN_PASSWORD: 'Berth12345' }).adminPassword).toBe(
      'Berth12345',
    )
  })

  it('warn once of an unknown name and give the nearest known one', () => {
    const { warnings } = load({ BERTH_HTP_PORT: '1', BERTH_CORE_SERVICE_HOST: '10.0.0.1', PATH: '/bin' })
    expect(warnings).toHaveLength(2)
    expect(warnings[1]).toBe('unknown setting BERTH_HTP_PORT is ignored; the nearest known one is BERTH_HTTP_PORT')
  })

  it('name the file of credentials that cannot be read', () => {
    const one = refusal({ NATS_URL: 'nats://a', BERTH_LOG_COLLECTOR_NATS_CREDS: '/nowhere' })
    expect([one.exitCode, one.message]).toEqual([2, 'berth: cannot read /nowhere (BERTH_LOG_COLLECTOR_NATS_CREDS)'])
  })

  it('warn of what only a service run alone reads', () => {
    const { warnings } = load({
      BERTH_REGISTRY_ROOT: '/blobs',
      BERTH_GATEWAY_CORE_URLS: 'http://core',
      BERTH_REPLICA: '',
    })
    expect(warnings).toEqual([
      'BERTH_GATEWAY_CORE_URLS is for a service run alone and is ignored',
      'BERTH_REGISTRY_ROOT is for a service run alone and is ignored',
    ])
  })

  it('accept a random secret key, and the one before it', () => {
    const [key, before] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
    expect(load({ BERTH_SECRET_KEY: key, BERTH_SECRET_KEY_PREVIOUS: before })).toMatchObject({
      secretKey: key,
      previousSecretKey: before,
    })
  })
})

describe('BERTH_SCALE', () => {
  it('says how often each service runs', () => {
    expect(parseScale(' registry=2, gateway=3 ')).toMatchObject({ registry: 2, gateway: 3, core: 1 })
  })

  it('leaves one log-collector, whose files have one writer', () => {
    expect(() => parseScale('log-collector=2')).toThrow('log-collector runs once')
  })
})
