import { DomainError } from '@berth/errors'

/** A checked repository name such as `library/nginx`: lower-case ASCII, no `..`, no empty part. */
export type RepositoryName = string & { readonly __brand: 'RepositoryName' }

export const MAX_REPOSITORY_NAME_LENGTH = 255

const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const QUOTED_CHARS = 300

/** NAME_INVALID (400): the repository name, or the path it was looked for in, is outside the grammar. */
export class NameInvalid extends DomainError {
  override name = 'NameInvalid'
  readonly code = 'NAME_INVALID'

  constructor(name: string, message = 'invalid repository name') {
    super(message, { detail: { name: name.slice(0, QUOTED_CHARS) } })
  }
}

/**
 * Parses a repository name of any number of parts; who needs a project in front asks {@link projectOf}.
 *
 * @throws {NameInvalid} when it is outside the grammar or longer than 255 characters
 * @see distribution-spec, "Pulling manifests", `<name>`
 */
export function parseRepositoryName(text: string): RepositoryName {
  const name = findRepositoryName(text)
  if (name === undefined) throw new NameInvalid(text)
  return name
}

/** The text as a repository name, or `undefined` when it is none. */
export function findRepositoryName(text: string): RepositoryName | undefined {
  if (text.length > MAX_REPOSITORY_NAME_LENGTH) return undefined
  return NAME.test(text) ? (text as RepositoryName) : undefined
}

/**
 * The project a repository stands in: `library` of `library/nginx`.
 *
 * @throws {NameInvalid} when the name has no `/`
 */
export function projectOf(name: RepositoryName): string {
  const slash = name.indexOf('/')
  if (slash === -1) throw new NameInvalid(name, 'repository name must be <project>/<repository>')
  return name.slice(0, slash)
}

/**
 * The name without its project: `web/nginx` of `library/web/nginx`.
 *
 * @throws {NameInvalid} when the name has no `/`
 */
export function nameInProject(name: RepositoryName): string {
  return name.slice(projectOf(name).length + 1)
}
