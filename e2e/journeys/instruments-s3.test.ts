import type { Client } from 'minio'
import { Client as S3Client } from 'minio'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../src/http.ts'
import { type S3Faults, startS3Faults } from '../src/peers/s3-faults.ts'
import type { S3Peer } from '../src/peers/s3-peer.ts'
import { startSwift } from '../src/peers/swift.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { openTools } from '../tools/install.ts'

// When a journey on S3 fails and this file passes, it is the suite and neither the S3 nor what stands before it.
describe('the S3 of the tests, and what stands before it', () => {
  let home: string
  let swift: S3Peer
  let faults: S3Faults
  let client: Client
  let bucket: string

  beforeAll(async () => {
    home = await openScratch()
    swift = await startSwift(await openTools(), home)
    faults = await startS3Faults(swift.url)
    const { accessKey, secretKey, region } = swift.account
    bucket = swift.account.bucket
    const port = Number(new URL(faults.url).port)
    client = new S3Client({ endPoint: '127.0.0.1', port, useSSL: false, accessKey, secretKey, region })
  })

  afterEach(() => {
    faults.plan = () => undefined
  })

  afterAll(async () => {
    await faults?.stop()
    await swift?.stop()
    await removeScratch(home)
  })

  const bytesOf = async (name: string): Promise<Buffer> =>
    Buffer.concat((await (await client.getObject(bucket, name)).toArray()) as Buffer[])

  it('keeps objects, and parts that were put together', async () => {
    await client.putObject(bucket, 'whole', Buffer.from('whole'))
    expect((await bytesOf('whole')).toString()).toBe('whole')
    const upload = await client.initiateNewMultipartUpload(bucket, 'parts', {})
    const parts = [Buffer.alloc(5_300_000, 1), Buffer.alloc(70, 2)]
    const etags = []
    for (const [n, part] of parts.entries()) {
      const told = { bucketName: bucket, objectName: 'parts', uploadID: upload, partNumber: n + 1, headers: {} }
      etags.push({ part: n + 1, etag: (await client.uploadPart(told, part)).etag })
    }
    await client.completeMultipartUpload(bucket, 'parts', upload, etags)
    expect(await bytesOf('parts')).toEqual(Buffer.concat(parts))
  })

  it('believes nobody who cannot sign, and whoever was given an address', async () => {
    expect([400, 403]).toContain((await ask(`${swift.url}/${bucket}/whole`)).status)
    const address = await swift.client.presignedGetObject(bucket, 'whole', 60)
    expect(await ask(address)).toMatchObject({ status: 200, text: 'whole' })
    expect((await ask(address.replace(/Signature=\w{4}/, 'Signature=0000'))).status).toBe(403)
  })

  it('refuses, cuts and forgets as planned', async () => {
    faults.plan = ({ method }) => (method === 'GET' ? { kind: 'refused', status: 503, code: 'SlowDown' } : undefined)
    await expect(bytesOf('whole')).rejects.toThrow(/503|SlowDown/)
    faults.plan = ({ method }) => (method === 'GET' ? { kind: 'answer cut', afterBytes: 1_000_000 } : undefined)
    await expect(bytesOf('parts')).rejects.toThrow()
    faults.plan = ({ method }) => (method === 'DELETE' ? { kind: 'not done' } : undefined)
    await client.removeObject(bucket, 'whole')
    expect((await bytesOf('whole')).toString()).toBe('whole')
    faults.plan = ({ method }) => (method === 'PUT' ? { kind: 'answer lost' } : undefined)
    await expect(client.putObject(bucket, 'unheard', Buffer.from('there'))).rejects.toThrow()
    faults.plan = () => undefined
    expect((await bytesOf('unheard')).toString()).toBe('there')
    expect(faults.done.refused).toBeGreaterThan(0)
  })
})
