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
  /**
   * Lets an address have done what costs as much as looking at a password, such as registering: it has one less.
   *
   * @throws {TooManyRequests}
   */
  spend(address: string | undefined): void
}

interface Tally {
  endsAt: number
  /** How often each wrong password came since the window began. */
  wrong: Map<string, number>
  /** How many times each password is being checked. */
  pending: Map<string, number>
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
    if (found && (found.endsAt > now() || found.pending.size > 0)) return found
    const fresh: Tally = { endsAt: now() + windowMs, wrong: new Map(), pending: new Map() }
    tallies.set(id, fresh)
    return fresh
  }

  function refuseIf(isUsedUp: boolean, { endsAt }: Tally): void {
    if (!isUsedUp) return
    const retryAfterSeconds = Math.max(1, Math.ceil((endsAt - now()) / 1_000))
    throw new TooManyRequests('too many attempts, try again later', { retryAfterSeconds })
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
      // One password sent many times at once is one guess.
      const others = account ? account.pending.size - (account.pending.has(credential) ? 1 : 0) : 0
      if (account) refuseIf(account.wrong.size + others >= perAccount, account)
      if (from) refuseIf(from.wrong.size >= perAddress, from)
      if (account) add(account.pending, credential, 1)
      const result = await work().finally(() => {
        if (account) add(account.pending, credential, -1)
      })
      if (result === undefined) {
        for (const { wrong } of tallies) add(wrong, credential, 1)
      } else if (address !== undefined) {
        known.set(pair, now() + KNOWN_FOR_MS)
      }
      return result
    },
    wrongSecret({ username, password, address }) {
      const from = addressTally(address)
      // These go on when an address has used up what it has, and must not be remembered without end.
      if (from && from.wrong.size < perAddress) from.wrong.set(print(`${username.length}:${username}${password}`), 1)
    },
    spend(address) {
      const from = addressTally(address)
      if (!from) return
      refuseIf(from.wrong.size >= perAddress, from)
      from.wrong.set(print(`spent ${from.wrong.size}`), 1)
    },
  }
}

/** At nought it is forgotten. */
function add(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}

/** A directory takes many ways to write a name for one: in any case, with or without accents and what nobody sees. */
function folded(username: string): string {
  const bare = username.normalize('NFKD').replace(/[\p{M}\p{Default_Ignorable_Code_Point}]/gu, '')
  return bare.toUpperCase().toLowerCase().replace(/\s+/g, ' ').trim()
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
