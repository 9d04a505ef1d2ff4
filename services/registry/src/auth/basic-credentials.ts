import { createHmac, randomBytes } from 'node:crypto'
import { DomainError } from '@berth/errors'
import type { accessGrant, RequestOf, ResponseOf } from '@berth/types'
import { LRUCache } from 'lru-cache'
import { type Caller, callerOfIdentity, type Need } from './caller.ts'
import { NotAuthorized } from './not-authorized.ts'

const REMEMBERED_MS = 20_000
const REMEMBERED = 1_000
const MAX_USERNAME = 512
const MAX_PASSWORD = 4_096
const ACTIONS = ['pull', 'push', 'delete']
const CATALOG = { type: 'registry', name: 'catalog', actions: ['*'] }

/** Asks core; throws {Unavailable} when core cannot be reached. */
export type AskGrant = (request: RequestOf<typeof accessGrant>) => Promise<ResponseOf<typeof accessGrant>>

export interface BasicCredentials {
  /**
   * Who these credentials belong to and what of `needs` they allow.
   *
   * @throws {NotAuthorized} they belong to nobody
   */
  callerOf(header: string, needs: readonly Need[], address: string | undefined): Promise<Caller>
}

/**
 * Basic credentials straight on `/v2`. What core granted is remembered for twenty seconds under an HMAC of the
 * credentials and the repositories; what it refused is asked again every time.
 */
export function basicCredentials(ask: AskGrant): BasicCredentials {
  const key = randomBytes(32)
  const granted = new LRUCache<string, Caller>({ max: REMEMBERED, ttl: REMEMBERED_MS })
  const asking = new Map<string, Promise<Caller>>()

  async function askCore(credentials: Credentials, needs: readonly Need[], address?: string): Promise<Caller> {
    const repositories = needs.map(({ name }) => ({ type: 'repository', name, actions: ACTIONS }))
    const scopes = repositories.length > 0 ? repositories : [CATALOG]
    try {
      const { identity, access } = await ask({ credentials: { kind: 'basic', ...credentials }, scopes, address })
      return callerOfIdentity(identity, access)
    } catch (err) {
      const isRefused = err instanceof DomainError && (err.code === 'UNAUTHORIZED' || err.code === 'FORBIDDEN')
      throw isRefused ? new NotAuthorized('denied', needs[0], err) : err
    }
  }

  return {
    async callerOf(header, needs, address) {
      const credentials = parseBasic(header)
      if (credentials === undefined) throw new NotAuthorized('denied', needs[0])
      const what = JSON.stringify([credentials.username, credentials.password, needs.map(({ name }) => name)])
      const id = createHmac('sha256', key).update(what).digest('base64')
      const known = granted.get(id)
      if (known !== undefined && isEnough(known, needs)) return known
      let answer = asking.get(id)
      if (answer === undefined) {
        answer = askCore(credentials, needs, address).finally(() => asking.delete(id))
        asking.set(id, answer)
      }
      const caller = await answer
      if (isEnough(caller, needs)) granted.set(id, caller)
      return caller
    },
  }
}

interface Credentials {
  username: string
  password: string
}

function isEnough(caller: Caller, needs: readonly Need[]): boolean {
  const [first] = needs
  return !caller.isAnonymous && (first === undefined || caller.findGrant(first.name, first.action) !== undefined)
}

/** @see RFC 7617 */
function parseBasic(header: string): Credentials | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/=_-]{1,8192})$/i.exec(header) ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1 || text.includes('\0')) return undefined
  const username = text.slice(0, colon)
  const password = text.slice(colon + 1)
  return username.length > MAX_USERNAME || password.length > MAX_PASSWORD ? undefined : { username, password }
}
