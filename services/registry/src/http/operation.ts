import type { IncomingMessage } from 'node:http'

const operations = new WeakMap<IncomingMessage, string>()

/** Names the kind of a request for its metrics. */
export function setOperation(req: IncomingMessage, operation: string): void {
  operations.set(req, operation)
}

export function operationOf(req: IncomingMessage): string {
  return operations.get(req) ?? 'other'
}
