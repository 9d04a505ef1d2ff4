import { createCipheriv, createDecipheriv, createPrivateKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'

const NONCE_BYTES = 12
const TAG_BYTES = 16

/** A private key at rest cannot be opened: the secret key is another one, or the bytes were changed. */
export class KeyUnreadable extends Error {
  override name = 'KeyUnreadable'
}

export interface KeySeal {
  /** nonce, ciphertext and tag of the PKCS #8 bytes; opens under the same `kid` only. */
  seal(privateKey: KeyObject, kid: string): Buffer
  /** @throws {KeyUnreadable} */
  open(sealed: Buffer, kid: string): KeyObject
  /** Whether the secret key of now opens it, not the one before. */
  isCurrent(sealed: Buffer, kid: string): boolean
}

/**
 * AES-256-GCM under a key derived from the secret key of the suite by HKDF. What was sealed under `previous` opens too,
 * so that the secret key can be changed.
 */
export function keySeal(secretKey: Buffer, previous?: Buffer): KeySeal {
  const key = derived(secretKey)
  const before = previous && derived(previous)
  return {
    seal(privateKey, kid) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(kid))
      const der = privateKey.export({ type: 'pkcs8', format: 'der' })
      return Buffer.concat([nonce, cipher.update(der), cipher.final(), cipher.getAuthTag()])
    },
    isCurrent: (sealed, kid) => opened(key, sealed, kid) !== undefined,
    open(sealed, kid) {
      const found = opened(key, sealed, kid) ?? (before && opened(before, sealed, kid))
      if (found) return found
      throw new KeyUnreadable(
        'BERTH_SECRET_KEY does not open the signing keys in the database; name the one they were made with in BERTH_SECRET_KEY_PREVIOUS',
      )
    },
  }
}

function derived(secretKey: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', secretKey, '', 'berth token signing keys v1', 32))
}

/** Undefined: it was sealed with another key or for another `kid`, or changed. */
function opened(key: Buffer, sealed: Buffer, kid: string): KeyObject | undefined {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    decipher.setAAD(Buffer.from(kid)).setAuthTag(sealed.subarray(-TAG_BYTES))
    const der = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
    return createPrivateKey({ key: der, type: 'pkcs8', format: 'der' })
  } catch {
    return undefined
  }
}
