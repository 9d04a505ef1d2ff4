import { Counter, type Registry } from '@berth/runtime'

export interface GcMetrics {
  purgedBlobs(count: number, bytes: number): void
  purgedManifests(count: number): void
}

export const unmeasured: GcMetrics = { purgedBlobs: () => undefined, purgedManifests: () => undefined }

/** `berth_registry_gc_purged_blobs_total`, `…_purged_manifests_total` and `…_freed_bytes_total`. */
export function gcMetrics(metrics: Registry): GcMetrics {
  const counter = (name: string, help: string) =>
    new Counter({ name: `berth_registry_gc_${name}_total`, help, registers: [metrics] })
  const blobs = counter('purged_blobs', 'Blobs garbage collection has removed')
  const manifests = counter('purged_manifests', 'Untagged manifests garbage collection has deleted')
  const bytes = counter('freed_bytes', 'Bytes of the blobs garbage collection has removed')
  return {
    purgedBlobs(count, freed) {
      blobs.inc(count)
      bytes.inc(freed)
    },
    purgedManifests: (count) => manifests.inc(count),
  }
}
