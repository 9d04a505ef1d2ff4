import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const NONCE_BYTES = 12
const TAG_BYTES = 16

/** A secret at rest cannot be opened: the secret key is another one, or the bytes were changed. */
export class SecretUnreadable extends Error {
  override name = 'SecretUnreadable'
}

/** Closes secrets of others (passwords of directories, client secrets, refresh tokens) before they go to the database. */
export interface Seal {
  /** base64 of nonce, ciphertext and tag; opens for the same `purpose` only, such as `setting ldap_search_password`. */
  close(secret: string, purpose: string): string
  /** @throws {SecretUnreadable} */
  open(sealed: string, purpose: string): string
}

/** AES-256-GCM under a key derived from the suite's secret key by HKDF. */
export function createSeal(secretKey: Buffer): Seal {
  const key = Buffer.from(hkdfSync('sha256', secretKey, '', 'berth core secrets at rest v1', 32))
  return {
    close(secret, purpose) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(purpose))
      const closed = [nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]
      return Buffer.concat(closed).toString('base64')
    },
    open(sealed, purpose) {
      const bytes = Buffer.from(sealed, 'base64')
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
          authTagLength: TAG_BYTES,
        })
        decipher.setAAD(Buffer.from(purpose)).setAuthTag(bytes.subarray(-TAG_BYTES))
        return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString()
      } catch (err) {
        throw new SecretUnreadable(`BERTH_SECRET_KEY does not open ${purpose}`, { cause: err })
      }
    },
  }
}
