import type { V2Route } from '@berth/oci'
import type { Action, Need } from '../auth/index.ts'
import type { Visit } from './visit.ts'

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
type Kind = V2Route['kind']
export type RouteOf<K extends Kind> = Extract<V2Route, { kind: K }>

/** What one method of one route does, and what a caller must be allowed for it. */
export interface Door<R extends V2Route = V2Route> {
  /** Absent: it is enough to be somebody. */
  readonly action?: Action
  /** Asked for in the challenge as well, but not demanded. */
  readonly alsoWanted?: (query: URLSearchParams) => Need | undefined
  readonly handle: (visit: Visit, route: R) => void | Promise<void>
}

export type Doors = { readonly [K in Kind]: { readonly [M in Method]?: Door<RouteOf<K>> } }

/** Whoever answers GET answers HEAD, whose body node leaves out. */
export function doorOf(doors: Doors, route: V2Route, method: string): Door | undefined {
  const methods = doors[route.kind] as Record<string, Door | undefined>
  if (Object.hasOwn(methods, method)) return methods[method]
  return method === 'HEAD' ? methods.GET : undefined
}

export function methodsOf(doors: Doors, route: V2Route): string {
  const methods = Object.keys(doors[route.kind])
  return (methods.includes('GET') && !methods.includes('HEAD') ? ['HEAD', ...methods] : methods).join(', ')
}
