import { redactText } from '@berth/runtime'

export type AuditOperation = 'create' | 'update' | 'delete' | 'pull' | 'login' | 'logout'

/** Harbor's words for what an entry is about, and ours beside them. */
export type AuditResource =
  | 'project'
  | 'member'
  | 'metadata'
  | 'user'
  | 'usergroup'
  | 'robot'
  | 'label'
  | 'immutable-tag'
  | 'quota'
  | 'allowlist'
  | 'configuration'
  | 'repository'
  | 'artifact'
  | 'tag'
  | 'access-token'
  | 'secret'
  | 'key'

/** One thing somebody did. Nothing in it is a secret. */
export interface AuditEntry {
  operation: AuditOperation
  resourceType: AuditResource
  /** What a person would call it: `library`, `library/nginx:1.27`, `robot$library+ci`. */
  resource: string
  projectId?: number
  /** One sentence more, where the rest does not say it: `role developer to maintainer`. */
  description?: string
}

/** An entry as it is kept: whole, and fit to be kept. */
export interface AuditRow {
  occurredAt: Date
  username: string
  operation: string
  resourceType: string
  resource: string
  description: string
  succeeded: boolean
  projectId?: number
  address?: string
  requestId?: string
  /** Of the event it was made from. */
  eventId?: string
}

/** What somebody who has not signed in is called. */
export const NOBODY = 'anonymous'

const MAX_NAME = 255
const MAX_TEXT = 1_024

/** The row with everything taken out that must not stand in it: control characters, what looks like a secret, length. */
export function fitRow(row: AuditRow): AuditRow {
  return {
    ...row,
    username: fitText(row.username, MAX_NAME),
    resource: fitText(row.resource, MAX_TEXT),
    description: fitText(row.description, MAX_TEXT),
  }
}

function fitText(text: string, max: number): string {
  const plain = redactText(text.toWellFormed().replaceAll(/\p{Cc}+/gu, ' '))
  return plain.length > max ? `${plain.slice(0, max - 1).toWellFormed()}…` : plain
}
