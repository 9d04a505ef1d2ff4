import { findSyslogTarget } from '@berth/types'
import { z } from 'zod'

/** How one kind of setting is read and shown. */
export interface Kind<T> {
  /** Harbor's word for it, or ours: `Bool`, `NonEmptyString`. */
  readonly name: string
  /** What the API shows and takes. */
  readonly json: 'boolean' | 'integer' | 'string' | 'object'
  /** Reads a JSON value; its messages never hold the value. */
  readonly shape: z.ZodType<T>
  /** What a text of the environment means before `shape` reads it. */
  ofText(text: string): unknown
  /** The value as the API shows it. */
  toJson(value: T): unknown
}

/** Harbor's bound for whole numbers that must be positive. */
const MAX_INT = 9_999_999_999
const MAX_TEXT_CHARS = 16_384
const TIB = 2 ** 40

const asItIs = <T>(text: T): T => text

function textual<T extends string>(name: string, shape: z.ZodType<T>): Kind<T> {
  return { name, json: 'string', shape, ofText: asItIs, toJson: asItIs }
}

function whole(name: string, shape: z.ZodType<number>): Kind<number> {
  const ofText = (text: string) => (/^\s*-?\d{1,16}\s*$/.test(text) ? Number(text) : text)
  return { name, json: 'integer', shape, ofText, toJson: asItIs }
}

const anyText = z.string('must be a text').max(MAX_TEXT_CHARS, `must not be longer than ${MAX_TEXT_CHARS} characters`)
const integer = z.int('must be a whole number')

export const text = textual('String', anyText)

export const nonEmptyText = textual(
  'NonEmptyString',
  anyText.refine((value) => value.trim() !== '', 'must not be empty'),
)

/** Sealed at rest and never shown. */
export const password = textual('Password', anyText)

/** PEM of certificates; empty: none. */
export const certificates = textual(
  'Certificates',
  anyText.refine(
    (value) => value.trim() === '' || /-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/.test(value),
    'must be certificates in PEM',
  ),
)

/** http or https; empty: none. */
export const webUrl = textual(
  'URL',
  anyText.refine(
    (value) => value === '' || (/^https?:\/\/[^/]/i.test(value) && URL.canParse(value)),
    'must be a URL that begins with http:// or https://',
  ),
)

/** `ldap://host`, `ldaps://host:636`, or a bare `host:port`. */
export const directoryUrl = textual(
  'NonEmptyString',
  nonEmptyText.shape.refine(
    (value) => /^(?:ldaps?:\/\/)?[^\s/@]+\/?$/i.test(value) && URL.canParse(withScheme(value)),
    'must be ldap://host, ldaps://host or host, with or without a port',
  ),
)

/** A regular expression; empty: everything. */
export const pattern = textual('String', anyText.refine(isPattern, 'must be a regular expression'))

/** As `findSyslogTarget` reads it; empty: nowhere. */
export const syslogEndpoint = textual(
  'String',
  anyText.refine(
    (value) => value === '' || findSyslogTarget(value) !== undefined,
    'must be host:port, tcp://host:port or tls://host:port',
  ),
)

/** Words separated by commas. */
export const words = textual(
  'String',
  anyText.regex(/^\s*(?:[a-z][a-z_-]*\s*(?:,\s*[a-z][a-z_-]*\s*)*)?$/, 'must be words separated by commas'),
)

export function oneOf<const T extends string>(name: string, values: readonly T[]): Kind<T> {
  return textual(name, z.enum(values as readonly [T, ...T[]], `must be ${values.join(' or ')}`))
}

const LATER_MODES = ['http_auth', 'uaa_auth']
const MODES = ['db_auth', 'ldap_auth', 'oidc_auth'] as const

export const authMode: Kind<(typeof MODES)[number]> = textual(
  'AuthMode',
  z.enum(MODES, {
    error: ({ input }) =>
      LATER_MODES.includes(input as string)
        ? 'http_auth and uaa_auth come with a later version; choose db_auth, ldap_auth or oidc_auth'
        : 'must be db_auth, ldap_auth or oidc_auth',
  }),
)

export const flag: Kind<boolean> = {
  name: 'Bool',
  json: 'boolean',
  shape: z.boolean('must be true or false'),
  ofText: (value) => {
    const word = value.trim().toLowerCase()
    if (['true', '1', 'yes'].includes(word)) return true
    return ['false', '0', 'no'].includes(word) ? false : value
  },
  toJson: asItIs,
}

export const positive = whole('Int', integer.min(1, 'must be at least 1').max(MAX_INT, `must be at most ${MAX_INT}`))

/** Seconds a timer can wait. */
export const seconds = whole('Int', integer.min(1, 'must be at least 1').max(3_600, 'must be at most 3600'))

export const ldapScope = whole('LdapScope', integer.min(0, 'must be 0, 1 or 2').max(2, 'must be 0, 1 or 2'))

/** Bytes; -1 is without limit. */
export const quota = whole(
  'Quota',
  integer.refine(
    (value) => value === -1 || (value > 0 && value <= 1024 * TIB),
    'must be -1, or more than 0 and at most 1024 TiB',
  ),
)

const Texts = z.record(z.string(), z.string('must hold texts alone'), 'must be an object of texts')

/** The API carries it as a text with JSON in it; an object is read too. */
export const textMap: Kind<Record<string, string>> = {
  name: 'StringToStringMap',
  json: 'string',
  shape: z.preprocess(ofJson, Texts),
  ofText: asItIs,
  toJson: (value) => JSON.stringify(value),
}

const NoScanAll = z.object(
  { type: z.literal('none', 'scanning comes with a later version; type must be none') },
  'must be an object with a type',
)

/** When everything is scanned. Without scanners only `none` can be asked for. */
export const scanAllPolicy: Kind<{ type: 'none' }> = {
  name: 'Map',
  json: 'object',
  shape: z.preprocess(ofJson, NoScanAll),
  ofText: asItIs,
  toJson: ({ type }) => ({ type, parameter: { daily_time: 0 } }),
}

function ofJson(value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (value.trim() === '') return {}
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}

/** Flags may stand in front, `(?i)`, as Harbor understands them. */
function isPattern(value: string): boolean {
  const [, flags = '', source = ''] = /^(?:\(\?([ims]+)\))?(.*)$/s.exec(value) ?? []
  try {
    new RegExp(source, [...new Set(flags)].join(''))
    return value.length <= 1_000
  } catch {
    return false
  }
}

function withScheme(value: string): string {
  return /^ldaps?:/i.test(value) ? value : `ldap://${value}`
}
