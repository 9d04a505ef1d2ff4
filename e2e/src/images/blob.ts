import { createCipheriv, createHash } from 'node:crypto'
import { Readable } from 'node:stream'

/** Bytes that can be read again and again, and what they hash to. */
export interface Blob {
  digest: string
  sizeBytes: number
  open(): Readable
}

export const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

export function blobOf(bytes: Buffer): Blob {
  return { digest: sha256(bytes), sizeBytes: bytes.length, open: () => Readable.from([bytes], { objectMode: false }) }
}

export const jsonBlob = (value: unknown): Blob => blobOf(Buffer.from(JSON.stringify(value)))

/** Reads the source once for its digest; the bytes are made anew at each `open`, never kept. */
export async function blobOfSource(open: () => Readable): Promise<Blob> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  for await (const chunk of open() as AsyncIterable<Buffer>) {
    hash.update(chunk)
    sizeBytes += chunk.length
  }
  return { digest: `sha256:${hash.digest('hex')}`, sizeBytes, open }
}

const CHUNK = 256 * 1024
const ZEROS = Buffer.alloc(CHUNK)

/** Bytes no compressor makes smaller, the same for the same seed (AES-CTR over zeros, about 2 GB/s). */
export function* noise(sizeBytes: number, seed: string): Generator<Buffer> {
  const key = createHash('sha256').update(seed).digest()
  const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16))
  for (let left = sizeBytes; left > 0; left -= CHUNK) yield cipher.update(ZEROS.subarray(0, Math.min(left, CHUNK)))
}

export const noiseBlob = (sizeBytes: number, seed: string): Promise<Blob> =>
  blobOfSource(() => Readable.from(noise(sizeBytes, seed), { objectMode: false }))
