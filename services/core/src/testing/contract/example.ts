import type { Call } from './ask.ts'
import type { CallerName } from './table.ts'
import type { World } from './world.ts'

/** What a well-formed call of an operation has beside its path. */
export interface Example {
  /** Values of the parts of the path in braces, as they stand on the wire. */
  path?: Record<string, string | number>
  /** `a=1&b=2` */
  query?: string
  body?: unknown
  headers?: Record<string, string>
  /** Another caller than the one the cell is about. */
  as?: string
  /** URL of another core than the one everything is asked of. */
  on?: string
}

/** Whom the example is for, and whether the call should work: what is expensive is made only for calls that do. */
interface Cell {
  caller: CallerName
  works: boolean
}

/** Makes what the call needs, fresh where the call would use it up. */
export type MakeExample = (world: World, cell: Cell) => Example | Promise<Example>

/** Puts an example and an operation together. @throws {Error} a part of the path has no value */
export function callOf(operation: string, { path = {}, query, body, headers, as }: Example): Call {
  const [method = '', template = ''] = operation.split(' ')
  const filled = template.replaceAll(/\{([^}]+)\}/g, (_whole, name: string) => {
    const value = path[name]
    if (value === undefined) throw new Error(`the example of ${operation} does not say ${name}`)
    return String(value)
  })
  return { method, path: query === undefined ? filled : `${filled}?${query}`, body, headers, as }
}
