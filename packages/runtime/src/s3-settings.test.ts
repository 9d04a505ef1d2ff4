import { describe, expect, it } from 'vitest'
import { s3Settings } from './s3-settings.ts'

const env = {
  BERTH_S3_ENDPOINT: 'https://minio.example:9000',
  BERTH_S3_BUCKET: 'blobs',
  AWS_ACCESS_KEY_ID: 'AK',
}

describe('the settings of a storage on S3', () => {
  it('need an endpoint or a region, and a bucket', () => {
    expect(s3Settings(env)).toEqual({
      endpoint: { host: 'minio.example', port: 9000, tls: true },
      bucket: 'blobs',
      prefix: '',
      region: 'us-east-1',
      pathStyle: true,
      redirect: false,
    })
    const aws = s3Settings({ ...env, BERTH_S3_ENDPOINT: '', BERTH_S3_REGION: 'eu-west-1', BERTH_S3_PATH_STYLE: 'no' })
    expect(aws).toMatchObject({
      endpoint: { host: 's3.eu-west-1.amazonaws.com', port: 443, tls: true },
      pathStyle: false,
    })
  })

  it('take a prefix with and without slashes, and a pair of keys', () => {
    expect(s3Settings({ ...env, BERTH_S3_PREFIX: '/a/b/' }).prefix).toBe('a/b/')
    const keys = { BERTH_S3_ACCESS_KEY: 'AK', BERTH_S3_SECRET_KEY: 'SK' }
    expect(s3Settings({ ...env, ...keys }).credentials).toEqual({ accessKey: 'AK', secretKey: 'SK' })
  })

  it.each([
    ['BERTH_S3_ENDPOINT', ''],
    ['BERTH_S3_ENDPOINT', 'minio:9000'],
    ['BERTH_S3_ENDPOINT', 'http://minio/bucket'],
    ['BERTH_S3_EXTERNAL_ENDPOINT', 'https://user@minio'],
    ['BERTH_S3_BUCKET', ''],
    ['BERTH_S3_BUCKET', 'Has_Capitals'],
    ['BERTH_S3_PREFIX', 'with space'],
    ['BERTH_S3_REGION', 'Über'],
    ['BERTH_S3_PATH_STYLE', 'virtual'],
    ['BERTH_S3_REDIRECT', 'maybe'],
  ])('are refused with %s=%s, by name', (name, value) => {
    expect(() => s3Settings({ ...env, [name]: value })).toThrow(name)
  })

  it('are refused with one key of a pair, whose value is not shown', () => {
    expect(() => s3Settings({ ...env, BERTH_S3_ACCESS_KEY: 'AK' })).toThrow('BERTH_S3_SECRET_KEY is not set')
    expect(() => s3Settings({ ...env, BERTH_S3_SECRET_KEY: 'SK' })).toThrow('BERTH_S3_ACCESS_KEY is not set')
    expect(() => s3Settings({ ...env, AWS_ACCESS_KEY_ID: '' })).toThrow('BERTH_S3_ACCESS_KEY is not set, nor are')
  })
})
