import { BadRequest } from '@berth/errors'
import type { Scope } from '@berth/types'

const MAX_SCOPES = 100
const SCOPE = /^([a-z0-9]+(?:\([a-z0-9]+\))?):(.{1,512}):([a-z*,-]{0,128})$/

/**
 * Parses the `scope` parameters of a token request; each may hold several, separated by spaces.
 *
 * @throws {BadRequest} outside the grammar, or more than a hundred of them
 * @see distribution, "Token scope documentation"
 */
export function parseScopes(texts: readonly string[]): Scope[] {
  const parts = texts.flatMap((text) => text.split(' ')).filter((part) => part !== '')
  if (parts.length > MAX_SCOPES) throw new BadRequest(`at most ${MAX_SCOPES} scopes may be asked for at once`)
  return parts.map(parseScope)
}

function parseScope(text: string): Scope {
  const [, type, name, actions] = SCOPE.exec(text) ?? []
  if (type === undefined || name === undefined || actions === undefined) {
    throw new BadRequest('a scope must read type:name:actions')
  }
  return { type, name, actions: [...new Set(actions.split(',').filter((action) => action !== ''))].slice(0, 16) }
}

/** `repository:a/b:pull,push` */
export function formatScope(scope: Scope): string {
  return `${scope.type}:${scope.name}:${scope.actions.join(',')}`
}
