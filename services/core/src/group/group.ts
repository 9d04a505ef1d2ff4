import { BadRequest } from '@berth/errors'
import { findDn, leafOf } from '../identity/index.ts'

/** Where a group comes from, as Harbor counts: 1 a directory (LDAP), 2 HTTP, 3 an OIDC provider. */
export type GroupKind = 1 | 2 | 3

export interface Group {
  id: number
  kind: GroupKind
  name: string
  /** In normal form; of groups of a directory alone. */
  ldapDn: string | null
}

/** A group as the API has it. */
export interface RawGroup {
  id?: number
  group_name?: string
  group_type?: number
  ldap_group_dn?: string
}

const MAX_NAME_CHARS = 255

/** @throws {BadRequest} not 1, 2 or 3 */
export function parseGroupKind(type: number | undefined): GroupKind {
  if (type === 1 || type === 2 || type === 3) return type
  throw new BadRequest('the type of a group is 1 (LDAP), 2 (HTTP) or 3 (OIDC)')
}

/** @throws {BadRequest} outside 1–255 characters, or with control characters */
export function parseGroupName(text: string | undefined): string {
  const name = (text ?? '').trim()
  if (name === '' || name.length > MAX_NAME_CHARS || /\p{Cc}/u.test(name)) {
    throw new BadRequest('the name of a group must have 1 to 255 characters')
  }
  return name
}

/** @throws {BadRequest} no distinguished name */
export function parseGroupDn(text: string | undefined): string {
  const dn = findDn(text ?? '')
  if (dn === undefined) throw new BadRequest('ldap_group_dn is not a distinguished name')
  return dn
}

/** @throws {BadRequest} a kind, name or distinguished name that cannot be */
export function parseNewGroup(raw: RawGroup): Omit<Group, 'id'> {
  const kind = parseGroupKind(raw.group_type)
  if (kind !== 1) return { kind, name: parseGroupName(raw.group_name), ldapDn: null }
  const ldapDn = parseGroupDn(raw.ldap_group_dn)
  return { kind, name: parseGroupName(raw.group_name || leafOf(raw.ldap_group_dn ?? '')), ldapDn }
}

export function toGroupBody({ id, kind, name, ldapDn }: Group): Record<string, unknown> {
  return { id, group_name: name, group_type: kind, ...(ldapDn === null ? {} : { ldap_group_dn: ldapDn }) }
}
