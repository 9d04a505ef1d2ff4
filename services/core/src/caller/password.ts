import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { createTurnstile } from './turnstile.ts'

const derive = promisify(argon2)

const MEMORY_KIB = 19 * 1024
const PASSES = 2
const LANES = 1
const SALT_BYTES = 16
const HASH_BYTES = 32
const MAX_PASSWORD_CHARS = 1_024
/** Whoever came after them would wait longer than their client does. */
const MAX_WAITING = 50
/** No more than this is ever computed, whatever a stored hash says. */
const MAX_MEMORY_KIB = 256 * 1024
const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

export interface PasswordHasher {
  /** The PHC string to keep: argon2id, 19 MiB, two passes. */
  hash(password: string): Promise<string>
  /**
   * Whether this is the password. Without a stored hash the same work is done for nothing and the answer is false, so
   * that nobody can tell from the time whether an account exists.
   *
   * @throws {TooManyRequests} more sign-ins wait than can be checked soon
   */
  verify(stored: string | null | undefined, password: string): Promise<boolean>
}

/** One hash is computed at a time, however many sign in; the others wait their turn. */
export function createPasswordHasher(): PasswordHasher {
  const inTurn = createTurnstile({ maxWaiting: MAX_WAITING })

  const hash = async (password: string) => {
    const nonce = randomBytes(SALT_BYTES)
    const options = { memory: MEMORY_KIB, passes: PASSES, parallelism: LANES, tagLength: HASH_BYTES }
    const tag = await inTurn(() => derive('argon2id', { message: password, nonce, ...options }))
    return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${unpadded(nonce)}$${unpadded(tag)}`
  }
  // Made at once, while nobody waits: the first unknown name must not take longer than a known one.
  const dummy = hash(randomBytes(32).toString('base64'))
  return {
    hash,
    async verify(stored, password) {
      if (password.length > MAX_PASSWORD_CHARS) return false
      const nobodys = await dummy
      const parsed = parsePhc(stored ?? nobodys)
      if (!parsed) return false
      const { tag, ...options } = parsed
      const computed = await inTurn(() => derive('argon2id', { message: password, tagLength: tag.length, ...options }))
      return timingSafeEqual(computed, tag) && typeof stored === 'string'
    },
  }
}

function parsePhc(text: string) {
  const [, memory, passes, lanes, salt, tag] = PHC.exec(text) ?? []
  if (salt === undefined || tag === undefined || Number(memory) > MAX_MEMORY_KIB) return undefined
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(lanes),
    nonce: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  }
}

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')
