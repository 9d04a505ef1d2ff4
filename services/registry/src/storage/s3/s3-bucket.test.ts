import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, BlockList } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { ByteRange } from '@berth/oci'
import { generate } from 'selfsigned'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { BytesMissing, type StorageKey } from '../storage.ts'
import { firstFaults, SLOW_DOWN } from '../testing/fault-plan.ts'
import { type S3Double, s3Double } from '../testing/s3-double.ts'
import { s3Storage } from './s3-storage.ts'

// Megabytes over loopback take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const KEY = 'blobs/aa/aaaa/1.0' as StorageKey
let s3: S3Double
const toLocalhost = (_host: string, options: unknown, done: (...args: never[]) => void) => {
  const answer = done as (err: null, address: unknown, family?: number) => void
  const { all } = options as { all?: boolean }
  all ? answer(null, [{ address: '127.0.0.1', family: 4 }]) : answer(null, '127.0.0.1', 4)
}

beforeEach(async () => {
  s3 = await s3Double()
})
afterEach(() => s3.stop())

function keep(bytes: Buffer, key: string = KEY): void {
  s3.objects.set(key, { bytes, size: bytes.length, etag: 'x', at: new Date() })
}

async function read(settings: S3Double['settings'], size: number, range?: ByteRange): Promise<Buffer> {
  const chunks: Buffer[] = []
  const write = (chunk: Buffer, _encoding: unknown, done: () => void) => {
    chunks.push(Buffer.from(chunk))
    done()
  }
  await (await s3Storage(settings).read(KEY, size, range)).sendTo(new Writable({ write }))
  return Buffer.concat(chunks)
}

describe('reading an object', () => {
  it('goes on where a connection broke off, as often as it takes', async () => {
    const bytes = randomBytes(500_000)
    keep(bytes)
    const short = { kind: 'short-body' } as const
    s3.faults = firstFaults({ get: [SLOW_DOWN, short, { kind: 'reset' }, short, short, { kind: 'slow' }] })
    expect((await read(s3.settings, bytes.length)).equals(bytes)).toBe(true)
    s3.faults = firstFaults({ get: [short, { kind: 'lose-answer' }] })
    const range = { start: 10, end: 400_009, lengthBytes: 400_000 }
    expect((await read(s3.settings, bytes.length, range)).equals(bytes.subarray(10, 400_010))).toBe(true)
  })

  it('fails when it never comes to its end', async () => {
    keep(randomBytes(10))
    s3.faults = (operation) => (operation === 'get' ? { kind: 'lose-answer' } : undefined)
    await expect(read(s3.settings, 10)).rejects.toThrow('cannot be used just now')
  }, 20_000)

  it('is of the bytes there should be, or of none', async () => {
    keep(randomBytes(10))
    await expect(read(s3.settings, 11)).rejects.toThrow(BytesMissing)
    await expect(read(s3.settings, 11, { start: 10, end: 10, lengthBytes: 1 })).rejects.toThrow(BytesMissing)
  })
})

describe('removing objects', () => {
  it('asks for a thousand at a time', async () => {
    const keys = Array.from({ length: 2_001 }, (_, i) => `blobs/aa/${i}/1.0` as StorageKey)
    for (const key of keys) keep(Buffer.from('x'), key)
    await s3Storage(s3.settings).remove(keys)
    expect([s3.objects.size, s3.count('delete-many')]).toEqual([0, 3])
  }, 30_000)

  it('believes nobody who only says so', async () => {
    keep(Buffer.from('x'))
    s3.faults = firstFaults({ 'delete-many': [{ kind: 'only-say-deleted' }, { kind: 'only-say-deleted' }] })
    await s3Storage(s3.settings).remove([KEY])
    expect([s3.objects.size, s3.count('delete-many')]).toEqual([0, 3])
    keep(Buffer.from('x'))
    s3.faults = (operation) => (operation === 'delete-many' ? { kind: 'only-say-deleted' } : undefined)
    await expect(s3Storage(s3.settings).remove([KEY])).rejects.toMatchObject({ name: 'BytesRemain', keys: [KEY] })
  }, 30_000)
})

describe('a bucket', () => {
  it('is spoken to below a prefix', async () => {
    const storage = s3Storage({ ...s3.settings, prefix: 'suite/one/' })
    keep(Buffer.from('abc'), `suite/one/${KEY}`)
    keep(Buffer.from('other'), 'suite/two/blobs/x')
    expect((await read({ ...s3.settings, prefix: 'suite/one/' }, 3)).toString()).toBe('abc')
    expect((await storage.list('blobs/', '', 10)).map(({ name }) => name)).toEqual([KEY])
    await storage.probe()
  })

  it('is named in the path or in the host', async () => {
    keep(Buffer.from('abc'))
    await read(s3.settings, 3)
    const settings = { ...s3.settings, pathStyle: false, endpoint: { ...s3.settings.endpoint, host: 's3.test' } }
    const storage = s3Storage(settings, { lookup: toLocalhost as never })
    await (await storage.read(KEY, 3)).close()
    const { port } = s3.settings.endpoint
    expect(s3.asked.map(({ host }) => host)).toEqual([`127.0.0.1:${port}`, `blobs.s3.test:${port}`])
  })

  it('that is not there, or does not let us, is no healthy storage', async () => {
    await expect(s3Storage({ ...s3.settings, bucket: 'other' }).probe()).rejects.toThrow()
    await expect(
      s3Storage({ ...s3.settings, credentials: { accessKey: 'test-access', secretKey: 'wrong' } }).probe(),
    ).rejects.toThrow()
    const [storage, before] = [s3Storage(s3.settings), s3.count('put')]
    await storage.probe()
    await storage.probe()
    expect([s3.objects.size, s3.count('put') - before]).toEqual([0, 1])
  })
})

describe('a URL for a client', () => {
  const clients = new BlockList()
  clients.addSubnet('10.0.0.0', 8, 'ipv4')

  it('can be fetched by anybody, and is signed for the endpoint they know', async () => {
    keep(Buffer.from('abc'))
    const url = (await s3Storage({ ...s3.settings, redirect: true }).urlOf(KEY, '192.0.2.1')) ?? ''
    expect(await (await fetch(url)).text()).toBe('abc')
    expect((await fetch(url, { headers: { range: 'bytes=1-1' } })).status).toBe(206)
    expect((await fetch(url.replace(KEY, 'blobs/aa/aaaa/2.0'))).status).toBe(403)
    expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('1200')
    const externalEndpoint = { host: 'cdn.example', port: 443, tls: true }
    const external = await s3Storage({ ...s3.settings, redirect: true, externalEndpoint }).urlOf(KEY, undefined)
    expect(new URL(external ?? '').host).toBe('cdn.example')
    const hosted = { ...s3.settings, redirect: true, externalEndpoint, pathStyle: false }
    expect(new URL((await s3Storage(hosted).urlOf(KEY, undefined)) ?? '').host).toBe('blobs.cdn.example')
  })

  it('is not made when that is off, nor for networks that do not reach it', async () => {
    expect(await s3Storage(s3.settings).urlOf(KEY, '192.0.2.1')).toBeUndefined()
    const storage = s3Storage({ ...s3.settings, redirect: true }, { streamNetworks: clients })
    expect(await storage.urlOf(KEY, '10.1.2.3')).toBeUndefined()
    expect(await storage.urlOf(KEY, '::ffff:10.1.2.3')).toBeUndefined()
    for (const address of ['192.0.2.1', undefined, 'nobody']) expect(await storage.urlOf(KEY, address)).toBeDefined()
  })
})

describe('an S3 with a certificate of our own', () => {
  let directory: string
  let server: Server
  let port: number

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'berth-s3-'))
    const pems = await generate([{ name: 'commonName', value: 'an S3' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    })
    await writeFile(join(directory, 'ca.pem'), pems.cert)
    server = createTlsServer({ key: pems.private, cert: pems.cert }, (req, res) => {
      req.resume().on('end', () => res.writeHead(200, { 'content-length': 3 }).end('abc'))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  afterAll(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await rm(directory, { recursive: true })
  })

  it('is trusted when we are told to, and not otherwise', async () => {
    const settings = { ...s3.settings, endpoint: { host: '127.0.0.1', port, tls: true } }
    expect((await read({ ...settings, caFile: join(directory, 'ca.pem') }, 3)).toString()).toBe('abc')
    await expect(read(settings, 3)).rejects.toThrow('cannot be used just now')
  })
})

describe('credentials', () => {
  let directory: string

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'berth-s3-'))
  })
  afterAll(() => rm(directory, { recursive: true }))

  const settings = () => ({ ...s3.settings, credentials: undefined })
  const { accessKey, secretKey } = { accessKey: 'test-access', secretKey: 'test-secret' }
  const probe = (env: NodeJS.ProcessEnv) => s3Storage(settings(), { env }).probe()

  it('come from the environment', async () => {
    await probe({ AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey })
    await expect(probe({ AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: 'wrong' })).rejects.toThrow()
  })

  it('come from a file, by profile', async () => {
    const file = join(directory, 'credentials')
    const pair = (access: string, secret: string) => `aws_access_key_id = ${access}\naws_secret_access_key=${secret}\n`
    await writeFile(file, `[default]\n${pair('no', 'body')}\n[ suite ]\n${pair(accessKey, secretKey)}`)
    await probe({ AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: 'suite' })
    await expect(probe({ AWS_SHARED_CREDENTIALS_FILE: file })).rejects.toThrow()
    await expect(probe({ AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: 'none' })).rejects.toThrow('the profile none')
  })

  it('are fetched for the token of a cluster, once for all who ask and anew before they end', async () => {
    const tokenFile = join(directory, 'token')
    await writeFile(tokenFile, 'the-token\n')
    const asked: URLSearchParams[] = []
    const sts = createServer(async (req, res) => {
      let body = ''
      for await (const chunk of req) body += String(chunk)
      const form = new URLSearchParams(body)
      asked.push(form)
      if (form.get('WebIdentityToken') !== 'the-token') {
        return void res
          .writeHead(403)
          .end('<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>')
      }
      // The first ones are about to end when they come.
      const until = new Date(Date.now() + (asked.length === 1 ? 60_000 : 3_600_000)).toISOString()
      const keys = `<AccessKeyId>${accessKey}</AccessKeyId><SecretAccessKey>${secretKey}</SecretAccessKey>`
      const rest = `<SessionToken>session</SessionToken><Expiration>${until}</Expiration>`
      res.end(
        `<AssumeRoleWithWebIdentityResponse><Credentials>${keys}${rest}</Credentials></AssumeRoleWithWebIdentityResponse>`,
      )
    })
    await new Promise<void>((resolve) => sts.listen(0, '127.0.0.1', resolve))
    const env = {
      AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
      AWS_ROLE_ARN: 'arn:aws:iam::1:role/registry',
      AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${(sts.address() as AddressInfo).port}`,
    }
    try {
      const storage = s3Storage(settings(), { env })
      keep(Buffer.from('abc'))
      await Promise.all(Array.from({ length: 5 }, async () => (await storage.read(KEY, 3)).close()))
      expect(asked).toHaveLength(1)
      expect(Object.fromEntries(asked[0] ?? [])).toMatchObject({
        Action: 'AssumeRoleWithWebIdentity',
        RoleArn: env.AWS_ROLE_ARN,
      })
      for (let i = 0; i < 3; i++) await (await storage.read(KEY, 3)).close()
      expect(asked).toHaveLength(2)
      await writeFile(tokenFile, 'another')
      await expect(s3Storage(settings(), { env }).probe()).rejects.toThrow('InvalidIdentityToken')
    } finally {
      sts.close()
    }
  })
})
