import { hash, randomBytes } from 'node:crypto'
import { Unauthorized } from '@berth/errors'
import type { Logger } from '@berth/runtime'
import { LRUCache } from 'lru-cache'
import { type Account, ADMIN_ID, isUsername } from '../user/user.ts'
import type { Attempts } from './attempts.ts'
import type { RobotCaller, UserCaller } from './caller.ts'
import type { PasswordHasher } from './password.ts'

const REMEMBERED_MS = 60_000
const MAX_REMEMBERED = 5_000
const MAX_NAME_CHARS = 255

/** Where a sign-in comes from. */
export interface SignInOrigin {
  /** Of the client, as the gateway saw it. */
  address?: string
  /** Of the request, if it is one to our API. */
  path?: string
  /** Of the same request. */
  method?: string
}

export interface BasicSignIn {
  /**
   * Who these credentials belong to.
   *
   * @throws {Unauthorized} nobody; the text and the time are the same whatever is wrong
   * @throws {TooManyRequests} too many were wrong lately, or more sign-ins wait than can be checked soon
   */
  signIn(username: string, password: string, origin?: SignInOrigin): Promise<UserCaller | RobotCaller>
}

/** Checks passwords that are not kept here: a directory, or what stands in for a provider. */
export interface PasswordSource {
  /** Whether people sign in this way just now. */
  isActive(): boolean
  /** Whether what was right may be remembered for a minute. */
  readonly isRemembered: boolean
  /**
   * `undefined`: wrong. Never asked about the admin, whose password is always ours.
   *
   * @throws {Unauthorized} right or wrong, it opens nothing here: it was not looked at, and is no guess
   */
  signIn(username: string, password: string, origin: SignInOrigin): Promise<UserCaller | undefined>
}

/** Where credentials are looked up. */
export interface SignInSources {
  accountByName(username: string): Promise<Account | undefined>
  accountById(id: number): Promise<Account | undefined>
  /** `undefined` at once: the name is not one of a robot. */
  robot(name: string, secret: string): Promise<RobotCaller | undefined> | undefined
  /** `undefined` at once: the password is not an access token. */
  accessToken(username: string, password: string): Promise<UserCaller | undefined> | undefined
  /** The first one that is active takes the place of our own passwords. */
  elsewhere: readonly PasswordSource[]
}

/**
 * Checks a user name and a password. What was right a moment ago is remembered by a keyed hash of it, so that a client that
 * signs in with every request costs one hash a minute; the account is read again each time, and its revision ends the
 * memory on every replica the moment the password changes. The same credentials sent at once are checked once.
 */
export function createBasicSignIn(options: {
  sources: SignInSources
  hasher: PasswordHasher
  attempts: Attempts
  log: Logger
}): BasicSignIn {
  const { sources, hasher, attempts, log } = options
  const key = randomBytes(32).toString('base64')
  const remembered = new LRUCache<string, { id: number; revision: number }>({ max: MAX_REMEMBERED, ttl: REMEMBERED_MS })
  const checking = new Map<string, Promise<UserCaller | undefined>>()
  const fingerprint = (...texts: readonly string[]) => hash('sha256', key + JSON.stringify(texts), 'base64')

  async function recall(print: string): Promise<UserCaller | undefined> {
    const known = remembered.get(print)
    if (!known) return undefined
    const account = await sources.accountById(known.id)
    if (account?.authRevision === known.revision) return callerOf(account)
    remembered.delete(print)
    return undefined
  }

  async function check(username: string, password: string, origin: SignInOrigin): Promise<Checked | undefined> {
    const account = await sources.accountByName(username)
    const source = account?.id === ADMIN_ID ? undefined : sources.elsewhere.find((one) => one.isActive())
    if (source) {
      const caller = await source.signIn(username, password, origin)
      const known = caller && source.isRemembered ? await sources.accountById(caller.id) : undefined
      return caller && { caller, revision: known?.authRevision }
    }
    const right = await hasher.verify(account?.passwordHash, password)
    return account && right ? { caller: callerOf(account), revision: account.authRevision } : undefined
  }

  async function checkOnce(username: string, password: string, origin: SignInOrigin): Promise<UserCaller | undefined> {
    const attempt = { username, password, address: origin.address }
    const found = await attempts.guard(attempt, () => check(username, password, origin))
    if (found?.revision !== undefined) {
      const value = { id: found.caller.id, revision: found.revision }
      remembered.set(printOf(username, password), value)
    }
    return found?.caller
  }

  const printOf = (username: string, password: string) =>
    fingerprint(username, password, ...sources.elsewhere.map((source) => String(source.isActive())))

  async function byPassword(username: string, password: string, origin: SignInOrigin): Promise<UserCaller | undefined> {
    const known = await recall(printOf(username, password))
    if (known) return known
    // What may not be remembered can hang on what is asked for.
    const asked = sources.elsewhere.some((source) => source.isActive() && !source.isRemembered)
      ? [origin.method ?? '', origin.path ?? '']
      : []
    const print = fingerprint(username, password, ...asked)
    let running = checking.get(print)
    if (!running) {
      running = checkOnce(username, password, origin).finally(() => checking.delete(print))
      checking.set(print, running)
    }
    return running
  }

  return {
    async signIn(username, password, origin = {}) {
      const refused = () => {
        // Without the name: people type their password there. The audit log has those that are somebody's.
        log.warn('sign-in refused', { address: origin.address })
        return wrongCredentials()
      }
      if (username === '' || password === '' || username.length > MAX_NAME_CHARS || username.includes('\0')) {
        throw refused()
      }
      const byToken = sources.accessToken(username, password)
      const bySecret = byToken ?? sources.robot(username, password)
      // Robots can be given a prefix with which names of people begin, too: that of the admin, at worst.
      const isSecretOnly = bySecret !== undefined && (byToken !== undefined || !isUsername(username))
      const caller = (await bySecret) ?? (isSecretOnly ? undefined : await byPassword(username, password, origin))
      if (caller) return caller
      if (isSecretOnly) attempts.wrongSecret({ username, password, address: origin.address })
      throw refused()
    },
  }
}

export function wrongCredentials(): Unauthorized {
  return new Unauthorized('invalid user name or password')
}

interface Checked {
  caller: UserCaller
  /** Of the account; absent: not to be remembered. */
  revision: number | undefined
}

function callerOf({ id, username, sysadmin, groupAdmin, authRevision }: Account): UserCaller {
  return { kind: 'user', id, name: username, admin: sysadmin || groupAdmin, authRevision }
}
