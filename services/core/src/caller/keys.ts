import { hkdfSync } from 'node:crypto'
import type { Keyring } from '../secret/index.ts'

/** The keys of core, each for one purpose. */
export interface CoreKeys {
  csrf: string
  robotSecret: Buffer
  accessToken: Buffer
  pseudonym: Buffer
}

/**
 * CSRF tokens live for a while and hang on the secret key of the suite; what HMACs in the database hang on is kept, so
 * that they hold when the secret key changes.
 */
export async function openKeys(deps: {
  secretKey: Buffer
  previousSecretKey?: Buffer
  keyring: Keyring
}): Promise<CoreKeys> {
  const { secretKey, previousSecretKey, keyring } = deps
  const derive = (from: Buffer, purpose: string) =>
    Buffer.from(hkdfSync('sha256', from, '', `berth core ${purpose}`, 32))
  return {
    csrf: derive(secretKey, 'csrf').toString('base64'),
    accessToken: await keyring.key('access token'),
    pseudonym: await keyring.key('pseudonym'),
    // It was derived before it was kept.
    robotSecret: await keyring.key('robot secret', () => derive(previousSecretKey ?? secretKey, 'robot secret')),
  }
}
