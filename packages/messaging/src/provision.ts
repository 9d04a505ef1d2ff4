import { BUCKETS, CONSUMERS, JOBS, type JobKind, STREAMS } from '@berth/types'
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamManager,
  nanos,
  RetentionPolicy,
  StorageType,
} from 'nats'
import type { Bus } from './bus.ts'

const MIB = 1024 * 1024
const ACK_WAIT_NS = nanos(30_000)
/** How often a job may be handed back, or take its worker along, beyond the attempts that fail by themselves. */
const SPARE_DELIVERIES = 5

/**
 * Creates or updates every stream, bucket and durable consumer of a suite. Repeating it changes nothing; it is the
 * only code that may, with a NATS user of its own.
 */
export async function provision(bus: Bus, options: { replicas?: number } = {}): Promise<void> {
  const manager = await bus.connection.jetstreamManager({ checkAPI: false, timeout: 10_000 })
  const replicas = options.replicas ?? 1
  for (const stream of STREAMS) {
    await putStream(manager, {
      name: stream.name,
      subjects: [...stream.subjects],
      max_age: stream.maxAgeNs,
      max_bytes: stream.maxBytes,
      ...(stream.duplicateWindowNs > 0 ? { duplicate_window: stream.duplicateWindowNs } : {}),
      ...(stream.kind === 'work-queue' ? { retention: RetentionPolicy.Workqueue, discard: DiscardPolicy.New } : {}),
      num_replicas: replicas,
    })
  }
  for (const bucket of BUCKETS) {
    await putStream(manager, {
      name: `KV_${bucket}`,
      subjects: [`$KV.${bucket}.>`],
      max_msgs_per_subject: 1,
      max_bytes: 64 * MIB,
      allow_direct: true,
      republish: { src: `$KV.${bucket}.>`, dest: `know.${bucket}.>` },
      num_replicas: replicas,
    })
  }
  for (const [name, { stream, filter }] of Object.entries(CONSUMERS))
    await putConsumer(manager, stream, name, {
      ...(typeof filter === 'string' ? { filter_subject: filter } : { filter_subjects: [...filter] }),
      ack_wait: ACK_WAIT_NS,
      max_ack_pending: 20_000,
    })
  for (const kind of JOBS) await putJob(manager, kind)
}

/** The durable consumer of one kind of job, named like its type; `provision` makes those of the catalogue. */
export async function provisionJob(bus: Bus, kind: JobKind): Promise<void> {
  await putJob(await bus.connection.jetstreamManager({ checkAPI: false, timeout: 10_000 }), kind)
}

/** A durable consumer on a stream, for `berth nats user add --follow`. */
export async function provisionConsumer(bus: Bus, stream: string, name: string, filters: string[]): Promise<void> {
  const manager = await bus.connection.jetstreamManager({ checkAPI: false, timeout: 10_000 })
  await manager.consumers.add(stream, {
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    ack_wait: ACK_WAIT_NS,
    deliver_policy: DeliverPolicy.New,
    filter_subjects: filters,
  })
}

/** Takes away a consumer made by `provisionConsumer`; answers whether there was one. */
export async function removeConsumer(bus: Bus, stream: string, name: string): Promise<boolean> {
  const manager = await bus.connection.jetstreamManager({ checkAPI: false, timeout: 10_000 })
  if (!(await exists(() => manager.consumers.info(stream, name)))) return false
  return manager.consumers.delete(stream, name)
}

type StreamDefinition = Parameters<JetStreamManager['streams']['add']>[0]

async function putStream(manager: JetStreamManager, definition: StreamDefinition & { name: string }): Promise<void> {
  const whole = {
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    ...definition,
  }
  if (await exists(() => manager.streams.info(definition.name))) await manager.streams.update(definition.name, whole)
  else await manager.streams.add(whole)
}

/** The worker gives up after the last attempt; the server's own limit is for jobs no worker survives. */
function putJob(manager: JetStreamManager, kind: JobKind): Promise<void> {
  return putConsumer(manager, 'JOBS', kind.type, {
    filter_subject: kind.subject,
    ack_wait: nanos(kind.ackWaitMs),
    max_ack_pending: kind.concurrency,
    max_deliver: kind.maxAttempts + SPARE_DELIVERIES,
  })
}

async function putConsumer(
  manager: JetStreamManager,
  stream: string,
  name: string,
  limits: Partial<ConsumerConfig>,
): Promise<void> {
  if (await exists(() => manager.consumers.info(stream, name))) {
    await manager.consumers.update(stream, name, limits)
    return
  }
  await manager.consumers.add(stream, {
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ...limits,
  })
}

async function exists(look: () => Promise<unknown>): Promise<boolean> {
  try {
    await look()
    return true
  } catch (err) {
    if ((err as { api_error?: { code?: number } }).api_error?.code === 404) return false
    throw err
  }
}
