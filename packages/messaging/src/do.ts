import { BadRequest, Unavailable } from '@berth/errors'
import { currentContext, withSpan } from '@berth/runtime'
import { type JobKind, JobMessage } from '@berth/types'
import { headers, ErrorCode as NatsCode, NatsError } from 'nats'
import { z } from 'zod'
import type { Bus } from './bus.ts'
import { REQUEST_ID, TRACEPARENT } from './headers.ts'

/** One job on its way out. */
export interface Task<K extends JobKind> {
  /** A UUID; given twice within two minutes it is one job. */
  taskId: string
  parameters: z.input<K['parameters']>
}

/**
 * Gives a job and resolves when the work queue has it on disk; `isDuplicate` when it had it before.
 *
 * @throws {BadRequest} the task id is no UUID, or the parameters are not those of the kind
 * @throws {Unavailable} NATS is away (at once), or the queue is full
 */
export async function submitJob<K extends JobKind>(
  bus: Bus,
  kind: K,
  task: Task<K>,
): Promise<{ isDuplicate: boolean }> {
  const payload = encode(kind, task)
  // The client would keep it in memory until NATS is back, and nobody would know whether it is given.
  if (!bus.connected) throw new Unavailable('NATS cannot be reached')
  return withSpan(`do ${kind.subject}`, 'PRODUCER', async () => {
    const hdrs = headers()
    const context = currentContext()
    if (context) {
      hdrs.set(REQUEST_ID, context.requestId)
      hdrs.set(TRACEPARENT, context.traceparent)
    }
    try {
      const options = { msgID: task.taskId, headers: hdrs, timeout: 3_000 }
      const { duplicate } = await bus.jetstream.publish(kind.subject, payload, options)
      return { isDuplicate: duplicate }
    } catch (err) {
      if (err instanceof NatsError && err.code === NatsCode.PermissionsViolation) throw err
      throw new Unavailable('the work queue did not take a job', { cause: err })
    }
  })
}

function encode<K extends JobKind>(kind: K, { taskId, parameters }: Task<K>): string {
  const result = JobMessage.extend({ parameters: kind.parameters }).safeParse({ taskId, type: kind.type, parameters })
  if (!result.success) throw new BadRequest('the job does not fit', { detail: z.flattenError(result.error) })
  return JSON.stringify(result.data)
}
