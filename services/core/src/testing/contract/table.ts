import { readFileSync } from 'node:fs'
import { harborDocument } from '@berth/api'

/** Who asks, in the order of the columns of contract.md. */
export const CALLERS = [
  'anonymous',
  'stranger',
  'projectAdmin',
  'maintainer',
  'developer',
  'guest',
  'limitedGuest',
  'admin',
  'project robot',
  'system robot',
] as const
export type CallerName = (typeof CALLERS)[number]

/** One row of contract.md: an operation and what each caller sees. */
export interface Row {
  /** `GET /projects/{project_name_or_id}` */
  operation: string
  statuses: readonly number[]
}

/** Who else asks while the project is public: the first two callers. */
const WITHOUT_ROLE = CALLERS.slice(0, 2)

/**
 * The tables of contract.md: of a private project, and what is other while it is public.
 *
 * @throws {Error} the columns are not the callers, or a cell holds no status
 */
export function readTables(): { private: Row[]; public: Row[] } {
  const text = readFileSync(new URL('../../../contract.md', import.meta.url), 'utf8')
  const [first = '', second = ''] = text.split('\n## ')
  return { private: rowsOf(first, CALLERS), public: rowsOf(second, WITHOUT_ROLE) }
}

function rowsOf(text: string, callers: readonly CallerName[]): Row[] {
  const [head = [], ...rows] = text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  if (head.slice(1).join() !== callers.join()) throw new Error(`the columns of contract.md are ${head.join()}`)
  return rows.map(([operation = '', ...cells]) => {
    const statuses = cells.map(Number)
    if (statuses.length !== callers.length || statuses.some((status) => !(status >= 200 && status < 600))) {
      throw new Error(`contract.md has no status in some cell of ${operation}`)
    }
    return { operation: operation.replaceAll('`', ''), statuses }
  })
}

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete']

/** What an operation says of itself in the document. */
interface Declared {
  /** `401`, `404`, … without `default`. */
  failures: number[]
  /** Names of its query parameters, `q` and `page_size` among them. */
  query: string[]
  hasBody: boolean
}

/** The operations of the document by `GET /projects`. */
export function declaredOperations(): Map<string, Declared> {
  const found = new Map<string, Declared>()
  for (const [path, item] of Object.entries(harborDocument.paths)) {
    for (const method of METHODS) {
      const operation = item[method]
      if (!operation) continue
      const parameters = [item.parameters, operation.parameters].flatMap((list) => (list ?? []) as { $ref?: string }[])
      found.set(`${method.toUpperCase()} ${path}`, {
        failures: Object.keys((operation.responses ?? {}) as object)
          .map(Number)
          .filter((status) => status >= 400),
        query: parameters.map(parameterOf).flatMap(({ name, in: place }) => (place === 'query' ? [name] : [])),
        hasBody: operation.requestBody !== undefined,
      })
    }
  }
  return found
}

interface Parameter {
  name: string
  in: string
}

function parameterOf(node: { $ref?: string }): Parameter {
  const name = node.$ref?.split('/').pop()
  return (name === undefined ? node : harborDocument.components.parameters?.[name]) as unknown as Parameter
}
