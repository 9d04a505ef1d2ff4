import type { GrantedAccess, Identity, Scope } from '@berth/types'

const ANYTHING = '*'
const ANONYMOUS_ACTIONS = new Set(['pull'])

/**
 * What goes into the token: never more than was asked, never more than was granted, and for nobody in particular
 * never more than pulling. Entries for one resource become one entry; one that allows nothing stays, as Harbor has it.
 */
export function narrow(
  asked: readonly Scope[],
  granted: readonly GrantedAccess[],
  kind: Identity['kind'],
): GrantedAccess[] {
  const entries = new Map<string, GrantedAccess>()
  for (const [index, scope] of asked.entries()) {
    const answer = granted[index]
    const isAnswer = answer?.type === scope.type && answer.name === scope.name
    const actions = isAnswer ? allowed(scope, answer, kind) : []
    const place = isAnswer ? { project: answer.project, rev: answer.rev } : {}
    const key = JSON.stringify([scope.type, scope.name, place])
    const before = entries.get(key)?.actions ?? []
    entries.set(key, { type: scope.type, name: scope.name, actions: [...new Set([...before, ...actions])], ...place })
  }
  return [...entries.values()]
}

function allowed(scope: Scope, answer: GrantedAccess, kind: Identity['kind']): string[] {
  const wanted = scope.actions.includes(ANYTHING)
    ? answer.actions
    : answer.actions.filter((action) => scope.actions.includes(action))
  if (kind !== 'anonymous') return wanted
  return scope.type === 'repository' ? wanted.filter((action) => ANONYMOUS_ACTIONS.has(action)) : []
}
