import { z } from 'zod'
import type { ExternalPerson } from '../identity/index.ts'
import { filterGroups } from './group-filter.ts'

/** What an ID token or the userinfo endpoint says of somebody. */
export type Claims = Readonly<Record<string, unknown>>

export interface ClaimSettings {
  /** Which claim is the user name; empty: `name`. */
  userClaim: string
  /** Which claim lists the groups; empty: none does. */
  groupsClaim: string
  /** Whose people are administrators; empty: nobody's. */
  adminGroup: string
  /** Which groups count, as a regular expression; empty: all. */
  groupFilter: string
}

const Texts = z.array(z.unknown()).transform((items) => items.filter((item) => typeof item === 'string'))
const Groups = z.union([z.string().transform((text) => [text]), Texts])

/**
 * Who the claims describe. Issuer and subject are those of the ID token; of the rest, what the userinfo endpoint says
 * comes first. The user name is a proposal: spaces become `_`, and a configured claim that is missing makes it empty
 * rather than something else. The admin group counts whether or not the filter lets it through.
 *
 * @throws {BadRequest} the group filter is none
 */
export function personOf(
  identity: { issuer: string; subject: string },
  sources: { idToken?: Claims; userInfo?: Claims },
  settings: ClaimSettings,
): ExternalPerson {
  const ordered = [sources.userInfo, sources.idToken].filter((claims) => claims !== undefined)
  const text = (name: string) => ordered.map((claims) => textOf(claims[name])).find((value) => value !== undefined)
  const names = settings.userClaim === '' ? ['name', 'preferred_username'] : [settings.userClaim]
  const username = names.map(text).find((value) => value !== undefined) ?? ''
  const groups = groupsOf(ordered, settings.groupsClaim) ?? []
  return {
    provider: 'oidc',
    ...identity,
    username: username.replaceAll(/\s/g, '_'),
    email: text('email'),
    realname: text('name'),
    groups: filterGroups(groups, settings.groupFilter).map((name) => ({ name })),
    groupAdmin: settings.adminGroup !== '' && groups.includes(settings.adminGroup),
  }
}

/**
 * Whether the claims say which groups somebody is in. A new ID token does, even by not naming any; the userinfo
 * endpoint alone only when it names them.
 */
export function tellGroups(sources: { idToken?: Claims; userInfo?: Claims }, groupsClaim: string): boolean {
  return (
    sources.idToken !== undefined || groupsOf(sources.userInfo ? [sources.userInfo] : [], groupsClaim) !== undefined
  )
}

function groupsOf(sources: readonly Claims[], claim: string): string[] | undefined {
  if (claim === '') return undefined
  for (const claims of sources) {
    const parsed = Groups.safeParse(claims[claim])
    if (parsed.success) return parsed.data
  }
  return undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}
