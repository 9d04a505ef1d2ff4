import { createHmac, randomBytes } from 'node:crypto'
import { Unauthorized } from '@berth/errors'
import type { Logger } from '@berth/runtime'
import { LRUCache } from 'lru-cache'
import type { Account } from '../user/index.ts'
import type { RobotCaller, UserCaller } from './caller.ts'
import type { PasswordHasher } from './password.ts'

const REMEMBERED_MS = 60_000
const MAX_REMEMBERED = 5_000
const MAX_NAME_CHARS = 255

export interface BasicSignIn {
  /**
   * Who these credentials belong to.
   *
   * @throws {Unauthorized} nobody; the text and the time are the same whatever is wrong
   */
  signIn(username: string, password: string): Promise<UserCaller | RobotCaller>
}

/** Where accounts and robots are looked up. */
export interface SignInSources {
  accountByName(username: string): Promise<Account | undefined>
  accountById(id: number): Promise<Account | undefined>
  /** `undefined`: the name is not one of a robot. */
  robot(name: string, secret: string): Promise<RobotCaller | undefined> | undefined
}

/**
 * Checks a user name and a password. What was right a moment ago is remembered by an HMAC of it, so that a client that
 * signs in with every request costs one hash a minute; the account is read again each time, and its revision ends the
 * memory on every replica the moment the password changes. The same credentials sent at once are checked once.
 */
export function createBasicSignIn(options: {
  sources: SignInSources
  hasher: PasswordHasher
  log: Logger
}): BasicSignIn {
  const { sources, hasher, log } = options
  const key = randomBytes(32)
  const remembered = new LRUCache<string, { id: number; revision: number }>({ max: MAX_REMEMBERED, ttl: REMEMBERED_MS })
  const checking = new Map<string, Promise<UserCaller>>()
  const fingerprint = (username: string, password: string) =>
    createHmac('sha256', key).update(`${username.length}:${username}${password}`).digest('base64')

  async function recall(print: string): Promise<UserCaller | undefined> {
    const known = remembered.get(print)
    if (!known) return undefined
    const account = await sources.accountById(known.id)
    if (account?.authRevision === known.revision) return callerOf(account)
    remembered.delete(print)
    return undefined
  }

  async function check(username: string, password: string, print: string): Promise<UserCaller> {
    const account = await sources.accountByName(username)
    const right = await hasher.verify(account?.passwordHash, password)
    if (!account || !right) throw refused(username)
    remembered.set(print, { id: account.id, revision: account.authRevision })
    return callerOf(account)
  }

  function refused(username: string): Unauthorized {
    log.warn('sign-in refused', { username: username.slice(0, MAX_NAME_CHARS) })
    return new Unauthorized('invalid user name or password')
  }

  return {
    async signIn(username, password) {
      if (username === '' || password === '' || username.length > MAX_NAME_CHARS || username.includes('\0')) {
        throw refused(username)
      }
      const asRobot = sources.robot(username, password)
      if (asRobot) {
        const robot = await asRobot
        if (!robot) throw refused(username)
        return robot
      }
      const print = fingerprint(username, password)
      const known = await recall(print)
      if (known) return known
      let running = checking.get(print)
      if (!running) {
        running = check(username, password, print).finally(() => checking.delete(print))
        checking.set(print, running)
      }
      return running
    },
  }
}

function callerOf(account: Account): UserCaller {
  return { kind: 'user', id: account.id, name: account.username, admin: account.sysadmin }
}
