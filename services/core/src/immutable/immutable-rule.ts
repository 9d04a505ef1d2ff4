import { createHash } from 'node:crypto'
import { BadRequest } from '@berth/errors'
import { compilePattern, patternSize } from '@berth/oci'
import type { ImmutabilityRule } from '@berth/types'
import { z } from 'zod'

/** A rule that keeps the tags all its selectors hold for: they are neither moved nor deleted. */
export interface ImmutableRule extends ImmutabilityRule {
  id: number
  disabled: boolean
}

type Selector = ImmutabilityRule['tags'][number]

const RawSelector = z.object({
  kind: z.string().optional(),
  decoration: z.string().optional(),
  pattern: z.string().optional(),
})

/** A rule in the body of a request, as far as types go. */
export const RawImmutableRule = z.object({
  disabled: z.boolean().default(false),
  action: z.string().optional(),
  template: z.string().optional(),
  tag_selectors: z.array(RawSelector).nullish(),
  scope_selectors: z.record(z.string(), z.array(RawSelector)).optional(),
})
export type RawImmutableRule = z.output<typeof RawImmutableRule>

const MAX_SELECTORS = 8
const ACTION = 'immutable'
const TEMPLATE = 'immutable_template'
/** Repositories and tags have no other characters, and the longest are no longer. */
const PATTERN = /^[\x20-\x7e]{1,256}$/
const EXCLUDES: Readonly<Record<string, boolean>> = {
  matches: false,
  excludes: true,
  repoMatches: false,
  repoExcludes: true,
}

/**
 * Parses the selectors of a rule; a list that is not given is `undefined`.
 *
 * @throws {BadRequest} another action, template or kind, no doublestar pattern, or too many of them
 */
export function parseSelectors(raw: RawImmutableRule): Partial<ImmutabilityRule> {
  if ((raw.action ?? ACTION) !== ACTION) throw new BadRequest(`the action of a rule must be ${ACTION}`)
  if ((raw.template ?? TEMPLATE) !== TEMPLATE) throw new BadRequest(`the template of a rule must be ${TEMPLATE}`)
  const { repository, ...others } = raw.scope_selectors ?? {}
  if (Object.keys(others).length > 0) throw new BadRequest('scope_selectors has no other key than repository')
  return {
    ...(repository && { repositories: parseList(repository, 'repository') }),
    ...(raw.tag_selectors && { tags: parseList(raw.tag_selectors, 'tag') }),
  }
}

/** @throws {BadRequest} one of the lists is missing */
export function requireWhole({ repositories, tags }: Partial<ImmutabilityRule>): ImmutabilityRule {
  if (repositories && tags) return { repositories, tags }
  throw new BadRequest('a rule needs tag_selectors, and scope_selectors with a repository')
}

/** The same for two rules exactly when they keep the same tags by the same words. */
export function fingerprintOf({ repositories, tags }: ImmutabilityRule): Buffer {
  const text = JSON.stringify(
    [repositories, tags].map((list) => list.map(({ pattern, excludes }) => [pattern, excludes])),
  )
  return createHash('sha256').update(text).digest()
}

/** What holding a tag against these rules costs, for each of its characters. */
export function sizeOf(rules: readonly ImmutabilityRule[]): number {
  const patterns = rules.flatMap(({ repositories, tags }) => [...repositories, ...tags])
  return patterns.reduce((size, { pattern }) => size + patternSize(pattern), 0)
}

/** A rule as the API shows it. */
export function toRuleBody({ id, disabled, repositories, tags }: ImmutableRule): Record<string, unknown> {
  const selector = ({ pattern, excludes }: Selector, names: readonly [string, string]) => ({
    kind: 'doublestar',
    decoration: excludes ? names[1] : names[0],
    pattern,
  })
  return {
    id,
    priority: 0,
    disabled,
    action: ACTION,
    template: TEMPLATE,
    params: {},
    tag_selectors: tags.map((one) => selector(one, ['matches', 'excludes'])),
    scope_selectors: { repository: repositories.map((one) => selector(one, ['repoMatches', 'repoExcludes'])) },
  }
}

function parseList(raw: readonly z.output<typeof RawSelector>[], what: string): Selector[] {
  if (raw.length === 0 || raw.length > MAX_SELECTORS) {
    throw new BadRequest(`a rule has 1 to ${MAX_SELECTORS} selectors of a ${what}`)
  }
  return raw.map(parseSelector)
}

function parseSelector({
  kind = 'doublestar',
  decoration = 'matches',
  pattern = '',
}: z.output<typeof RawSelector>): Selector {
  if (kind !== 'doublestar') throw new BadRequest('the kind of a selector must be doublestar')
  const excludes = Object.hasOwn(EXCLUDES, decoration) ? EXCLUDES[decoration] : undefined
  if (excludes === undefined) throw new BadRequest('the decoration of a selector must be matches or excludes')
  if (!PATTERN.test(pattern)) throw new BadRequest('a pattern must have 1 to 256 printable ASCII characters')
  compilePattern(pattern)
  return { pattern, excludes }
}
