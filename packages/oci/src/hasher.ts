import { createHash, type Hash, hash } from 'node:crypto'
import type { Digest, SupportedAlgorithm } from './digest.ts'

/** A running digest. `digest()` ends it; `copy()` before that gives one that goes on by itself. */
export interface Hasher {
  readonly algorithm: SupportedAlgorithm
  update(chunk: Uint8Array): void
  copy(): Hasher
  digest(): Digest
}

export function createHasher(algorithm: SupportedAlgorithm = 'sha256'): Hasher {
  return wrap(algorithm, createHash(algorithm))
}

/** The digest of bytes held in memory; UTF-8 for a string. */
export function digestOf(content: Uint8Array | string, algorithm: SupportedAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${hash(algorithm, content, 'hex')}` as Digest
}

function wrap(algorithm: SupportedAlgorithm, running: Hash): Hasher {
  return {
    algorithm,
    update: (chunk) => void running.update(chunk),
    copy: () => wrap(algorithm, running.copy()),
    digest: () => `${algorithm}:${running.digest('hex')}` as Digest,
  }
}
