import { Denied } from '@berth/errors'
import type { ChangeFacts } from './project.ts'

/** DENIED (403): so many bytes more would take the project over its quota. */
export function quotaExceeded(addedBytes: number, usedBytes: number, limitBytes: number): Denied {
  return new Denied(
    `Quota exceeded when processing the request of adding ${inUnits(addedBytes)} of storage resource, which when ` +
      `updated to current usage of ${inUnits(usedBytes)} will exceed the configured upper limit of ` +
      `${inUnits(limitBytes)}.`,
  )
}

/**
 * Says early what the push of the manifest would be refused for. It reserves nothing: only that push is exact.
 *
 * @throws {Denied} so many bytes more do not fit
 */
export function requireRoom({ quota_limit: limit, used }: ChangeFacts, addedBytes: number): void {
  if (limit >= 0 && used + addedBytes > limit) throw quotaExceeded(addedBytes, used, limit)
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `1.5 MiB` */
function inUnits(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 2 ** (10 * power)).toFixed(1)} ${UNITS[power]}`
}
