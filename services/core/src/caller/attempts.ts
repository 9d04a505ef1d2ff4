import { createHmac, randomBytes } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { TooManyRequests } from '@berth/errors'
import { LRUCache } from 'lru-cache'

const ACCOUNT_WINDOW_MS = 5 * 60_000
const ADDRESS_WINDOW_MS = 60_000
const KNOWN_FOR_MS = 24 * 3_600_000
const MAX_KEYS = 20_000
/** How often one wrong password is looked at in a window; a client nobody has told the new one sends it for hours. */
const MAX_REPEATS = 30

interface SignInAttempt {
  username: string
  password: string
  /** Of the client, if known. */
  address?: string
}

/**
 * Keeps guessing slow. An account and an address each have so many wrong passwords in a while; whoever has used them up
 * is refused without a look at the password, whether the account exists or not. The same wrong password again counts
 * once, and is refused by itself when it comes too often. Somebody who signed in from an address within a day is
 * counted there by themselves, so that strangers cannot keep them out.
 */
export interface Attempts {
  /**
   * Runs `work`, which checks the password, unless too many were wrong; `undefined` from it is a wrong one.
   *
   * @throws {TooManyRequests}
   */
  guard<T>(attempt: SignInAttempt, work: () => Promise<T | undefined>): Promise<T | undefined>
  /** A secret nobody can guess was wrong: the address has one less, the account does not suffer. */
  wrongSecret(attempt: SignInAttempt): void
}

interface Tally {
  endsAt: number
  /** How often each wrong password came since the window began. */
  wrong: Map<string, number>
  /** Being checked. */
  pending: number
}

/** 0 is without limit. Memory is bounded: who was longest quiet is forgotten first. */
export function createAttempts(options: { perAccount: number; perAddress: number; now?: () => number }): Attempts {
  const { perAccount, perAddress, now = Date.now } = options
  const key = randomBytes(32)
  const accounts = new LRUCache<string, Tally>({ max: MAX_KEYS })
  const addresses = new LRUCache<string, Tally>({ max: MAX_KEYS })
  const known = new LRUCache<string, number>({ max: MAX_KEYS })
  const print = (text: string) => createHmac('sha256', key).update(text).digest('base64')

  function tallyOf(tallies: LRUCache<string, Tally>, id: string, windowMs: number): Tally {
    const found = tallies.get(id)
    if (found && (found.endsAt > now() || found.pending > 0)) return found
    const fresh: Tally = { endsAt: now() + windowMs, wrong: new Map(), pending: 0 }
    tallies.set(id, fresh)
    return fresh
  }

  function refuseIf(isUsedUp: boolean, { endsAt }: Tally): void {
    if (!isUsedUp) return
    const retryAfterSeconds = Math.max(1, Math.ceil((endsAt - now()) / 1_000))
    throw new TooManyRequests('too many wrong passwords, try again later', { retryAfterSeconds })
  }

  const addressTally = (address: string | undefined) =>
    address === undefined || perAddress === 0 ? undefined : tallyOf(addresses, addressGroup(address), ADDRESS_WINDOW_MS)

  return {
    async guard({ username, password, address }, work) {
      const credential = print(`${username.length}:${username}${password}`)
      const pair = print(`${username} from ${addressGroup(address ?? '')}`)
      const isKnown = address !== undefined && (known.get(pair) ?? 0) > now()
      const account =
        perAccount === 0 ? undefined : tallyOf(accounts, isKnown ? pair : print(folded(username)), ACCOUNT_WINDOW_MS)
      const from = addressTally(address)
      const tallies = [account, from].filter((tally) => tally !== undefined)
      for (const tally of tallies) refuseIf((tally.wrong.get(credential) ?? 0) >= MAX_REPEATS, tally)
      if (account) refuseIf(account.wrong.size + account.pending >= perAccount, account)
      if (from) refuseIf(from.wrong.size >= perAddress, from)
      if (account) account.pending++
      const result = await work().finally(() => {
        if (account) account.pending--
      })
      if (result === undefined) {
        for (const { wrong } of tallies) wrong.set(credential, (wrong.get(credential) ?? 0) + 1)
      } else if (address !== undefined) {
        known.set(pair, now() + KNOWN_FOR_MS)
      }
      return result
    },
    wrongSecret({ username, password, address }) {
      addressTally(address)?.wrong.set(print(`${username.length}:${username}${password}`), 1)
    },
  }
}

/** A directory takes many ways to write a name for one. */
function folded(username: string): string {
  return username.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim()
}

/** Whoever has an IPv6 address has the 2^64 beside it, too. */
function addressGroup(address: string): string {
  if (!isIPv6(address) || address.toLowerCase().startsWith('::ffff:')) return address
  const [head = '', tail] = address.split('::')
  const first = head === '' ? [] : head.split(':')
  const zeros = tail === undefined ? 0 : 8 - first.length - (tail === '' ? 0 : tail.split(':').length)
  return [...first, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...(tail ?? '').split(':')]
    .slice(0, 4)
    .map((part) => Number.parseInt(part || '0', 16).toString(16))
    .join(':')
}
