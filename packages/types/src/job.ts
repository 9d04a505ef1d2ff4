import { z } from 'zod'

/** One kind of work, given on `job.<TYPE>` and worked by whichever worker is free. */
export interface JobKind<Parameters extends z.ZodType = z.ZodType> {
  /** In the spelling of the Harbor API, `GARBAGE_COLLECTION`; its durable consumer has the same name. */
  readonly type: string
  /** `job.<TYPE>` */
  readonly subject: string
  readonly summary: string
  readonly parameters: Parameters
  /** How often a job is tried, the first time included. */
  readonly maxAttempts: number
  /** How many are worked on at one time, over all workers. One that waits to be tried again counts. */
  readonly concurrency: number
  /** A worker that says nothing for so long has died, and its job goes to another. */
  readonly ackWaitMs: number
}

export type ParametersOf<K extends JobKind> = z.output<K['parameters']>

const TYPE = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*$/

export function defineJob<Parameters extends z.ZodType>(
  definition: Omit<JobKind<Parameters>, 'subject'>,
): JobKind<Parameters> {
  const { type, maxAttempts, concurrency, ackWaitMs } = definition
  if (!TYPE.test(type)) throw new Error(`a job type is spelled LIKE_THIS, not ${type}`)
  // To a stream, no bound and a bound of nought are the same.
  if (Math.min(maxAttempts, concurrency, ackWaitMs) < 1) throw new Error(`${type} has a bound below one`)
  return { ...definition, subject: `job.${type}` }
}

/** What is published for one job. */
export const JobMessage = z.object({
  /** Its `Nats-Msg-Id` too: a task given twice within two minutes is one job. */
  taskId: z.uuid(),
  type: z.string(),
  /** In the shape its kind asks for. */
  parameters: z.unknown(),
})
export type JobMessage = z.output<typeof JobMessage>
