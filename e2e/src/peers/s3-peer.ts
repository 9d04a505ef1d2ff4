import type { Client } from 'minio'
import type { Peer } from './peer.ts'

export interface S3Account {
  endpoint: string
  region: string
  bucket: string
  accessKey: string
  secretKey: string
}

/** An S3 that is not ours, with one bucket. */
export interface S3Peer extends Peer {
  account: S3Account
  /** A client of its own, to see what the suite left behind. */
  client: Client
}
