import { join } from 'node:path'
import type { Account } from './robot.ts'

/** What a program outside reads; nothing else is needed to connect and to ask. */
export interface CredentialsFile {
  servers: string[]
  user: string
  pass: string
  /** Give it to the NATS client: answers are refused anywhere else. */
  inboxPrefix: string
  /** What it sends to `svc.token.v1.access.issue` for a token. */
  account?: Account
  /** The durable consumer that waits for it. */
  consumer?: { stream: string; name: string }
}

/** Where it is written unless told otherwise. */
export function externalCredentialsPath(natsHome: string, name: string): string {
  return join(natsHome, `external-${name}.json`)
}
