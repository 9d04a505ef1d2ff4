import { BadRequest } from '@berth/errors'
import { type Filter, FilterParser } from 'ldapts'
import { findDn } from '../identity/index.ts'
import type { Settings } from '../setting/index.ts'

export type Scope = 'base' | 'one' | 'sub'

/** How the directory is reached, and who searches it. */
export interface LdapServer {
  host: string
  port: number
  protection: 'none' | 'starttls' | 'ldaps'
  /** PEM; else whom Node trusts. */
  ca?: string
  verifyCertificate: boolean
  /** For each step. */
  timeoutMs: number
  /** Empty: nobody in particular. */
  searchDn: string
  searchPassword: string
}

/** Where people are, and how they are told apart. */
export interface LdapPeople {
  baseDn: string
  scope: Scope
  filter?: Filter
  /** The attribute with the name they sign in with. */
  nameAttribute: string
}

/** Where groups are, and how they are told apart. */
export interface LdapGroups {
  baseDn: string
  /** Whether what is outside of `baseDn` is no group of ours. */
  isBounded: boolean
  scope: Scope
  filter?: Filter
  nameAttribute: string
  /** The attribute of people and groups that says what they are members of; empty: groups say who is in them. */
  membershipAttribute: string
  /** In normal form: its people are administrators. */
  adminDn?: string
  lookupsAtOnce: number
}

export interface LdapConfig {
  server: LdapServer
  people: LdapPeople
  groups: LdapGroups
}

const SCOPES: readonly Scope[] = ['base', 'one', 'sub']
const ATTRIBUTE = /^(?:[a-z][a-z0-9-]*|\d+(?:\.\d+)*)$/i
const MAX_TIMEOUT_SECONDS = 60
const LOOKUPS_AT_ONCE = 5

/** @throws {BadRequest} what is set is not enough to ask a directory, or cannot be */
export function ldapConfig(settings: Settings): LdapConfig {
  const baseDn = requireDn('ldap_base_dn', settings.get('ldap_base_dn'))
  const groupBase = settings.get('ldap_group_base_dn')
  const adminDn = settings.get('ldap_group_admin_dn')
  return {
    server: ldapServer(settings),
    people: {
      baseDn,
      scope: scopeOf(settings.get('ldap_scope')),
      filter: parseFilter('ldap_filter', settings.get('ldap_filter')),
      nameAttribute: parseAttribute('ldap_uid', settings.get('ldap_uid')),
    },
    groups: {
      baseDn: groupBase === '' ? baseDn : requireDn('ldap_group_base_dn', groupBase),
      isBounded: groupBase !== '',
      scope: scopeOf(settings.get('ldap_group_search_scope')),
      filter: parseFilter('ldap_group_search_filter', settings.get('ldap_group_search_filter')),
      nameAttribute: parseAttribute('ldap_group_attribute_name', settings.get('ldap_group_attribute_name') || 'cn'),
      membershipAttribute: settings.get('ldap_group_membership_attribute').trim() && parseMembership(settings),
      adminDn: adminDn.trim() === '' ? undefined : normalDn('ldap_group_admin_dn', adminDn),
      lookupsAtOnce: settings.get('ldap_group_attach_parallel') ? LOOKUPS_AT_ONCE : 1,
    },
  }
}

/** @throws {BadRequest} */
export function ldapServer(settings: Settings): LdapServer {
  return {
    ...parseLdapUrl(settings.get('ldap_url'), settings.get('ldap_starttls')),
    ca: settings.get('ldap_ca_certificate') || undefined,
    verifyCertificate: settings.get('ldap_verify_cert'),
    timeoutMs: timeoutOf(settings.get('ldap_timeout')),
    searchDn: settings.get('ldap_search_dn').trim(),
    searchPassword: settings.get('ldap_search_password'),
  }
}

/**
 * `ldap://host[:389]` or `ldaps://host[:636]`; without a scheme it is `ldap`. What follows the port is not looked at.
 *
 * @throws {BadRequest}
 */
export function parseLdapUrl(text: string, startTls: boolean): Pick<LdapServer, 'host' | 'port' | 'protection'> {
  const trimmed = text.trim()
  if (trimmed === '') throw new BadRequest('ldap_url is not set')
  const whole = trimmed.includes('://') ? trimmed : `ldap://${trimmed}`
  const url = URL.canParse(whole) ? new URL(whole) : undefined
  if (!url?.hostname || !['ldap:', 'ldaps:'].includes(url.protocol) || url.username !== '') {
    throw new BadRequest('ldap_url must be ldap://host[:port] or ldaps://host[:port]')
  }
  const isLdaps = url.protocol === 'ldaps:'
  const port = Number(url.port) || (isLdaps ? 636 : 389)
  return { host: url.hostname, port, protection: isLdaps ? 'ldaps' : startTls ? 'starttls' : 'none' }
}

export function timeoutOf(seconds: number): number {
  return Math.min(Math.max(seconds, 1), MAX_TIMEOUT_SECONDS) * 1_000
}

function scopeOf(number: number): Scope {
  return SCOPES[number] ?? 'sub'
}

function parseMembership(settings: Settings): string {
  const name = 'ldap_group_membership_attribute'
  return parseAttribute(name, settings.get(name))
}

function parseAttribute(setting: string, text: string): string {
  const attribute = text.trim()
  if (!ATTRIBUTE.test(attribute)) throw new BadRequest(`${setting} must be the name of an attribute`)
  return attribute
}

/** With or without the parentheses around it; empty: none. */
function parseFilter(setting: string, text: string): Filter | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  try {
    return FilterParser.parseString(trimmed)
  } catch (err) {
    throw new BadRequest(`${setting} is no LDAP filter`, { cause: err })
  }
}

function requireDn(setting: string, text: string): string {
  normalDn(setting, text)
  return text.trim()
}

function normalDn(setting: string, text: string): string {
  const normal = findDn(text)
  if (normal === undefined) throw new BadRequest(`${setting} must be a distinguished name`)
  return normal
}
