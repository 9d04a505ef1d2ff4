/** What an S3 was asked for. */
export type S3Operation =
  | 'put'
  | 'get'
  | 'head'
  | 'delete'
  | 'delete-many'
  | 'begin-parts'
  | 'put-part'
  | 'complete-parts'
  | 'abort-parts'
  | 'list'
  | 'list-parts-begun'

/**
 * What goes wrong: an answer that refuses; the connection breaks before, or after what was asked for is done; of a body
 * only the half arrives; it is sent byte by byte; a delete is said to have been done.
 */
export type Fault =
  | { kind: 'refuse'; status: number; code: string }
  | { kind: 'reset' }
  | { kind: 'lose-answer' }
  | { kind: 'short-body' }
  | { kind: 'slow' }
  | { kind: 'only-say-deleted' }
  /** Of the 200 kind with an error in it. */
  | { kind: 'complete-fails-late' }

export type FaultPlan = (operation: S3Operation, key: string, count: number) => Fault | undefined

export const SLOW_DOWN: Fault = { kind: 'refuse', status: 503, code: 'SlowDown' }
export const INTERNAL: Fault = { kind: 'refuse', status: 500, code: 'InternalError' }

/** These faults for the first requests of these kinds, one each, then none. */
export function firstFaults(faults: Partial<Record<S3Operation, readonly Fault[]>>): FaultPlan {
  const left = new Map(Object.entries(faults).map(([operation, list]) => [operation, [...list]]))
  return (operation) => left.get(operation)?.shift()
}

/** A fault for a part of all requests, the same ones whenever the seed is the same. */
export function randomFaults(seed: number, share: number): FaultPlan {
  let state = seed
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const anywhere: Fault[] = [SLOW_DOWN, INTERNAL, { kind: 'reset' }, { kind: 'lose-answer' }]
  return (operation) => {
    if (random() >= share) return undefined
    const kinds: Fault[] = [...anywhere]
    if (operation === 'get') kinds.push({ kind: 'short-body' })
    if (operation === 'delete-many') kinds.push({ kind: 'only-say-deleted' })
    if (operation === 'complete-parts') kinds.push({ kind: 'complete-fails-late' })
    return kinds[Math.floor(random() * kinds.length)]
  }
}
