import type { Example } from './example.ts'
import { FAILURES, type MakeFailure } from './failures.ts'
import type { declaredOperations } from './table.ts'

type Declared = NonNullable<ReturnType<ReturnType<typeof declaredOperations>['get']>>

/** A way an operation fails, or undefined when nobody has said one. */
export function failureOf(operation: string, status: number, declared: Declared): MakeFailure | undefined {
  return FAILURES[operation]?.[status] ?? shared(operation, status, declared)
}

function shared(operation: string, status: number, { query, hasBody }: Declared): MakeFailure | undefined {
  switch (status) {
    case 401:
      return () => ({ as: 'nobody-of-that-name:Wrong1234' })
    case 400:
      if (query.includes('q') && operation !== 'GET /search') return withQuery('q=broken')
      if (hasBody) return () => ({ body: '{"cut off' })
      return operation.includes('{') ? unreadable(operation) : withQuery('page=%zz')
    case 404:
      return operation.includes('{project_name') ? withoutProject : undefined
    case 422:
      return query.includes('page_size') ? withQuery('page_size=101') : undefined
    default:
      return undefined
  }
}

const withQuery =
  (query: string): MakeFailure =>
  () => ({ query })

/** The last part of the path is no percent-encoding at all. */
function unreadable(operation: string): MakeFailure {
  const name = /\{([^{}]+)\}[^{}]*$/.exec(operation)?.[1] ?? ''
  return (_world, example: Example) => ({ path: { ...example.path, [name]: '%zz' } })
}

const withoutProject: MakeFailure = (_world, { path = {} }) => {
  const name = 'project_name' in path ? 'project_name' : 'project_name_or_id'
  return { path: { ...path, [name]: 'no-such-project' } }
}
