import { BadRequest } from '@berth/errors'

/** Who the password of the first start belongs to; stays an administrator and is never deleted. */
export const ADMIN_ID = 1

export interface User {
  id: number
  username: string
  email: string | null
  realname: string
  comment: string
  /** By their own flag. */
  sysadmin: boolean
  /** By a group of the directory or provider, as of the last sign-in. */
  groupAdmin: boolean
  createdAt: Date
  updatedAt: Date
}

/** What signing in needs to know of a user. */
export interface Account {
  id: number
  username: string
  sysadmin: boolean
  groupAdmin: boolean
  passwordHash: string | null
  authRevision: number
}

export interface Profile {
  email: string
  realname: string
  comment: string
}

/** What the row of somebody deleted says from then on; their name and address are free again. */
export interface Remains {
  username: string
  email: string | null
  realname: string
  comment: string
}

const USERNAME_EXCLUDES = /[,"~#%$\p{Cc}]/u
// What follows the `@` has no `#`: that ends the addresses of the deleted, which nobody else may stand in the way of.
const EMAIL = /^[^\s@<>(),;:\\"[\]\p{Cc}]+@[^\s@<>(),;:\\"[\]#\p{Cc}]+$/u
const RESERVED_NAMES = new Set(['anonymous'])

/** @throws {BadRequest} outside 1–255 characters, with `, " ~ # % $` or control characters, or with space around it */
export function parseUsername(text: string | undefined): string {
  if (!text || !isUsername(text)) {
    throw new BadRequest('the user name must have 1 to 255 characters, without , " ~ # % $')
  }
  return text
}

/** Whether somebody could be called so. */
export function isUsername(text: string): boolean {
  return text !== '' && text.length <= 255 && !USERNAME_EXCLUDES.test(text) && text.trim() === text
}

/** Whether it has the form of one and at most 255 characters. */
export function isMailAddress(text: string): boolean {
  return text.length <= 255 && EMAIL.test(text)
}

export function isReservedName(username: string): boolean {
  return RESERVED_NAMES.has(username)
}

/** @throws {BadRequest} not 8–128 characters with an upper-case and a lower-case letter and a digit */
export function parseNewPassword(text: string | undefined): string {
  if (!text || !satisfiesPasswordRule(text)) {
    throw new BadRequest(
      'the password must have 8 to 128 characters, among them an upper-case and a lower-case letter and a digit',
    )
  }
  return text
}

export function satisfiesPasswordRule(text: string): boolean {
  return text.length >= 8 && text.length <= 128 && /[A-Z]/.test(text) && /[a-z]/.test(text) && /\d/.test(text)
}

/** @throws {BadRequest} no mail address, a name outside 1–255 characters, or a comment over 30 */
export function parseProfile(raw: { email?: string; realname?: string; comment?: string }): Profile {
  const { email = '', realname = '', comment = '' } = raw
  if (!isMailAddress(email)) throw new BadRequest('the mail address is not valid')
  if (realname.length < 1 || realname.length > 255 || /[,"~#%$\p{Cc}]/u.test(realname)) {
    throw new BadRequest('the name must have 1 to 255 characters, without , " ~ # % $')
  }
  if (comment.length > 30) throw new BadRequest('the comment must have at most 30 characters')
  return { email, realname, comment }
}

/**
 * Keeps the row for those who refer to it. With `pseudonym`, which tells nobody who it was, it names nobody any more.
 */
export function remainsOf({ id, username, email, realname, comment }: User, pseudonym?: string): Remains {
  if (pseudonym === undefined)
    return { username: `${username}#${id}`, email: email && `${email}#${id}`, realname, comment }
  return { username: `${pseudonym}#${id}`, email: `${pseudonym}#${id}`, realname: '', comment: '' }
}
