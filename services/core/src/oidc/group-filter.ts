import { createContext, Script } from 'node:vm'
import { BadRequest } from '@berth/errors'

const MAX_PATTERN_CHARS = 1_000
const MAX_MS = 200
const FLAGS = /^\(\?([ims]+)\)/
const SCRIPT = new Script('JSON.stringify(JSON.parse(names).filter((name) => new RegExp(source, flags).test(name)))')

/**
 * Whether this is a filter of groups: a regular expression; flags in front, as `(?i)`, are understood as Harbor does.
 *
 * @throws {BadRequest} no regular expression, or over 1,000 characters
 */
function parseGroupFilter(pattern: string): { source: string; flags: string } {
  const [whole = '', flags = ''] = FLAGS.exec(pattern) ?? []
  const parsed = { source: pattern.slice(whole.length), flags: [...new Set(flags)].join('') }
  try {
    if (pattern.length <= MAX_PATTERN_CHARS && new RegExp(parsed.source, parsed.flags)) return parsed
  } catch (err) {
    throw new BadRequest('the group filter is not a regular expression', { cause: err })
  }
  throw new BadRequest('the group filter is too long')
}

/**
 * The names the pattern is found in; all of them when it is empty. A pattern can be so made that searching takes for
 * ever, so it gets 200 ms and a context of its own.
 *
 * @throws {BadRequest} the pattern is none, or took too long
 */
export function filterGroups(names: readonly string[], pattern: string): string[] {
  if (pattern === '') return [...names]
  const context = createContext({ ...parseGroupFilter(pattern), names: JSON.stringify(names) })
  try {
    return JSON.parse(SCRIPT.runInContext(context, { timeout: MAX_MS }) as string) as string[]
  } catch (err) {
    throw new BadRequest('the group filter takes too long', { cause: err })
  }
}
