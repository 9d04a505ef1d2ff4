import { type Database, statement } from '@berth/db'
import { Counter, Gauge, type Registry } from '@berth/runtime'

const countCorrupt = statement<{ n: number }>(
  'scrub-count-corrupt',
  `SELECT (SELECT count(*) FROM blob WHERE corrupt_at IS NOT NULL)
     + (SELECT count(*) FROM manifest_content WHERE corrupt_at IS NOT NULL) AS n`,
)

/** `berth_registry_corrupt_blobs`, and `berth_registry_scrubbed_bytes_total` to be added to. */
export function scrubMetrics(database: Database, metrics: Registry): { scrubbed(bytes: number): void } {
  new Gauge({
    name: 'berth_registry_corrupt_blobs',
    help: 'Blobs and manifests whose stored bytes are gone or others; they are answered with 500',
    registers: [metrics],
    async collect() {
      this.set(
        await database.find(countCorrupt).then(
          (row) => row?.n ?? 0,
          () => Number.NaN,
        ),
      )
    },
  })
  const bytes = new Counter({
    name: 'berth_registry_scrubbed_bytes_total',
    help: 'Stored bytes that were read again and found right',
    registers: [metrics],
  })
  return { scrubbed: (count) => bytes.inc(count) }
}
