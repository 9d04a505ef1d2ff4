import { afterAll, beforeAll, describe, vi } from 'vitest'
import { storageContract } from '../storage.contract.ts'
import { type S3Double, s3Double } from '../testing/s3-double.ts'
import { s3Storage } from './s3-storage.ts'

// Megabytes over loopback take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

let s3: S3Double

beforeAll(async () => {
  s3 = await s3Double()
})
afterAll(() => s3.stop())

describe('an S3', () => {
  storageContract(async () => s3Storage(s3.settings))
})
