import { createHash, randomBytes } from 'node:crypto'

export type Algorithm = 'sha256' | 'sha512'

/** Bytes and what they hash to. */
export interface Content {
  digest: string
  bytes: Buffer
}

export interface Descriptor {
  mediaType: string
  digest: string
  size: number
  data?: string
  urls?: string[]
  platform?: { os: string; architecture: string }
  artifactType?: string
  annotations?: Record<string, string>
}

export const digestOf = (bytes: Buffer, algorithm: Algorithm): string =>
  `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`

export const contentOf = (bytes: Buffer, algorithm: Algorithm): Content => ({
  digest: digestOf(bytes, algorithm),
  bytes,
})

/** Bytes nobody has pushed before. */
export const freshContent = (sizeBytes: number, algorithm: Algorithm): Content =>
  contentOf(randomBytes(sizeBytes), algorithm)

export const describeContent = (content: Content, mediaType: string): Descriptor => ({
  mediaType,
  digest: content.digest,
  size: content.bytes.length,
})
