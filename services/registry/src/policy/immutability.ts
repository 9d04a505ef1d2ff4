import { compilePattern, PatternInvalid, patternSize, projectOf, type RepositoryName } from '@berth/oci'
import type { ImmutabilityRule } from '@berth/types'
import { LRUCache } from 'lru-cache'

const REMEMBERED_PROJECTS = 1_000
/** In characters of patterns, alternatives written out; each is some dozens of bytes once compiled. */
const REMEMBERED_SIZE = 1_000_000

/** What a statement says of a project's rules for tags, beside the facts of the project. */
export interface RuleFacts {
  project_id: number
  project_revision: number
  /** `null`: there are none. */
  immutability_rules: readonly ImmutabilityRule[] | null
}

/** The columns of {@link RuleFacts} but the id, of a table project called p. */
export const RULE_FACTS = `p.revision AS project_revision,
  nullif(p.policy -> 'immutabilityRules', '[]'::jsonb) AS immutability_rules`

type Holds = (text: string) => boolean
type IsImmutable = (repository: string, tag: string) => boolean

interface Compiled {
  revision: number
  holds: IsImmutable
  size: number
}

const compiled = new LRUCache<number, Compiled>({
  max: REMEMBERED_PROJECTS,
  maxSize: REMEMBERED_SIZE,
  sizeCalculation: ({ size }) => size,
})

/**
 * Whether a tag, once set, stays what it is and where it is: a rule whose selectors all hold for it. Patterns of
 * repositories are held against the name without its project. Compiled once for each revision of a project.
 */
export function isImmutable(facts: RuleFacts, repository: RepositoryName, tag: string): boolean {
  const { project_id: id, project_revision: revision, immutability_rules: rules } = facts
  if (rules === null || rules.length === 0) return false
  let known = compiled.get(id)
  if (known?.revision !== revision) {
    known = { revision, holds: compileRules(rules), size: sizeOf(rules) }
    compiled.set(id, known)
  }
  return known.holds(nameInProject(repository), tag)
}

/** The rules as one question about a repository, named without its project, and a tag. */
export function compileRules(rules: readonly ImmutabilityRule[]): IsImmutable {
  const judges = rules.map((rule) => ({
    repositories: rule.repositories.map(compileSelector),
    tags: rule.tags.map(compileSelector),
  }))
  return (repository, tag) =>
    judges.some(
      ({ repositories, tags }) => repositories.every((holds) => holds(repository)) && tags.every((holds) => holds(tag)),
    )
}

function sizeOf(rules: readonly ImmutabilityRule[]): number {
  const patterns = rules.flatMap(({ repositories, tags }) => [...repositories, ...tags])
  return patterns.reduce((size, { pattern }) => size + sizeOfPattern(pattern), 1)
}

function sizeOfPattern(pattern: string): number {
  try {
    return patternSize(pattern)
  } catch (err) {
    if (err instanceof PatternInvalid) return pattern.length
    throw err
  }
}

/** A pattern that cannot be read protects everything, as far as its rule goes: nothing is lost by asking for it. */
function compileSelector({ pattern, excludes }: ImmutabilityRule['tags'][number]): Holds {
  try {
    const isMatch = compilePattern(pattern)
    return (text) => isMatch(text) !== excludes
  } catch (err) {
    if (err instanceof PatternInvalid) return () => true
    throw err
  }
}

/** `nginx` of `library/nginx` */
export function nameInProject(repository: RepositoryName): string {
  return repository.slice(projectOf(repository).length + 1)
}
