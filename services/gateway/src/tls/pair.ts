import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'

/** Paths of a certificate chain and its private key in PEM; both may be one file. */
export interface PairFiles {
  readonly cert: string
  readonly key: string
}

export interface Pair {
  readonly cert: Buffer
  readonly key: Buffer
  readonly validTo: Date
}

/** @throws {Error} a file cannot be read, is no PEM, or the key does not belong to the certificate */
export function readPair(files: PairFiles): Pair {
  const cert = readFileSync(files.cert)
  const key = files.key === files.cert ? cert : readFileSync(files.key)
  createSecureContext({ cert, key })
  return { cert, key, validTo: new Date(new X509Certificate(cert).validTo) }
}
