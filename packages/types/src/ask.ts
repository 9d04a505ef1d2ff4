import type { z } from 'zod'
import type { ServiceName } from './services.ts'

/**
 * One question a service answers over NATS. Safe to repeat only where `effect` is `read` or the request carries an
 * idempotency key.
 */
export interface Ask<Request extends z.ZodType = z.ZodType, Response extends z.ZodType = z.ZodType> {
  readonly service: ServiceName
  readonly noun: string
  readonly verb: string
  /** `svc.<service>.v1.<noun>.<verb>` */
  readonly subject: string
  readonly summary: string
  readonly effect: 'read' | 'write'
  /**
   * `person`: the call carries the token of whoever it is made for, and the answering service verifies it.
   * `service`: the caller is known by its NATS user alone.
   */
  readonly caller: 'person' | 'service'
  /** How long the caller waits for the answer. */
  readonly timeoutMs: number
  readonly request: Request
  readonly response: Response
}

export type RequestOf<A extends Ask> = z.output<A['request']>
export type ResponseOf<A extends Ask> = z.output<A['response']>

export function defineAsk<Request extends z.ZodType, Response extends z.ZodType>(
  definition: Omit<Ask<Request, Response>, 'subject' | 'timeoutMs'> & { timeoutMs?: number },
): Ask<Request, Response> {
  const { service, noun, verb } = definition
  return { timeoutMs: 3_000, ...definition, subject: `svc.${service}.v1.${noun}.${verb}` }
}
