import type { Queries } from '@berth/db'
import type { UserCaller } from '../caller/caller.ts'
import { hashAccessToken, isAccessToken, tokenGrants } from './access-token.ts'
import { accessTokenStore } from './access-token-store.ts'

const NOTE_USE_EVERY_MS = 5 * 60_000

/** `undefined` at once: the password is not a token; later: it is nobody's, not this person's, or its time is over. */
export type AccessTokenSignIn = (username: string, password: string) => Promise<UserCaller | undefined> | undefined

export function createAccessTokenSignIn(db: Queries, key: Buffer, now = Date.now): AccessTokenSignIn {
  async function signIn(username: string, password: string): Promise<UserCaller | undefined> {
    const found = await accessTokenStore.findByHash(db, hashAccessToken(key, password))
    if (!found || found.username !== username) return undefined
    const { id, userId, expiresAt, lastUsedAt, permissions } = found.token
    if ((lastUsedAt?.getTime() ?? 0) < now() - NOTE_USE_EVERY_MS) await accessTokenStore.noteUse(db, id)
    const token = { id, grants: tokenGrants(permissions), ownerIsAdmin: found.isAdmin, expiresAt }
    return { kind: 'user', id: userId, name: username, admin: false, token }
  }

  return (username, password) => (isAccessToken(password) ? signIn(username, password) : undefined)
}
