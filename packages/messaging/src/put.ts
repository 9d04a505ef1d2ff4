import type { Bucket } from '@berth/types'
import type { Bus } from './bus.ts'

/** Writes a value of a bucket and resolves when the stream behind it has it. */
export async function putKnown(bus: Bus, bucket: Bucket, key: string, value: unknown): Promise<void> {
  await bus.jetstream.publish(`$KV.${bucket}.${key}`, JSON.stringify(value), { timeout: 3_000 })
}
