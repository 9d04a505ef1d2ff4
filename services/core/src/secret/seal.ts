import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const NONCE_BYTES = 12
const TAG_BYTES = 16
const MARK_BYTES = 4

/** A secret at rest cannot be opened: the secret key is another one, or the bytes were changed. */
export class SecretUnreadable extends Error {
  override name = 'SecretUnreadable'
}

/** Closes secrets of others (passwords of directories, client secrets, refresh tokens) before they go to the database. */
export interface Seal {
  /**
   * `<mark of the key>.<base64 of nonce, ciphertext and tag>`; opens for the same `purpose` only, such as
   * `setting ldap_search_password`.
   */
  close(secret: string, purpose: string): string
  /** @throws {SecretUnreadable} */
  open(sealed: string, purpose: string): string
  /** Whether it was closed under the key things are closed under now. */
  isCurrent(sealed: string): boolean
  /** What everything that {@link isCurrent} begins with, for statements that look for the rest. */
  readonly mark: string
}

interface SealKey {
  mark: string
  key: Buffer
}

/**
 * AES-256-GCM under a key derived from the suite's secret key by HKDF. What was closed under `previous` opens too, so
 * that the secret key can be changed.
 */
export function createSeal(secretKey: Buffer, previous?: Buffer): Seal {
  const current = sealKey(secretKey)
  const keys = [current, ...(previous ? [sealKey(previous)] : [])]
  return {
    mark: `${current.mark}.`,
    isCurrent: (sealed) => sealed.startsWith(`${current.mark}.`),
    close(secret, purpose) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', current.key, nonce).setAAD(Buffer.from(purpose))
      const closed = [nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]
      return `${current.mark}.${Buffer.concat(closed).toString('base64')}`
    },
    open(sealed, purpose) {
      const [mark, text = ''] = sealed.split('.')
      const found = keys.find((one) => one.mark === mark)
      if (!found) throw new SecretUnreadable(`no secret key we have closed ${purpose}`)
      const bytes = Buffer.from(text, 'base64')
      try {
        const decipher = createDecipheriv('aes-256-gcm', found.key, bytes.subarray(0, NONCE_BYTES), {
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

function sealKey(secretKey: Buffer): SealKey {
  const derive = (purpose: string, bytes: number) =>
    Buffer.from(hkdfSync('sha256', secretKey, '', `berth core ${purpose}`, bytes))
  return { mark: derive('mark of a secret key v1', MARK_BYTES).toString('hex'), key: derive('secrets at rest v1', 32) }
}
