import type { Database } from '@berth/db'
import { Counter, Gauge, type Registry } from '@berth/runtime'
import { countCorrupted } from './list-corrupt.ts'

/** `berth_registry_corrupt_blobs`, and `berth_registry_scrubbed_bytes_total` to be added to. */
export function scrubMetrics(database: Database, metrics: Registry): { scrubbed(bytes: number): void } {
  new Gauge({
    name: 'berth_registry_corrupt_blobs',
    help: 'Blobs and manifests whose stored bytes are gone or others; they are answered with 500',
    registers: [metrics],
    async collect() {
      this.set(await countCorrupted(database).catch(() => Number.NaN))
    },
  })
  const bytes = new Counter({
    name: 'berth_registry_scrubbed_bytes_total',
    help: 'Stored bytes that were read again and found right',
    registers: [metrics],
  })
  return { scrubbed: (count) => bytes.inc(count) }
}
