import { join } from 'node:path'
import type { Block } from './block.ts'

/** One file of a service: written until it is big or the day ends, then compressed, then, one day, removed. */
export interface Segment {
  /** Directory of the service. */
  readonly folder: string
  /** `20261104T101500123Z`: when it was begun, which is also the order of the segments of a service. */
  readonly name: string
  form: 'open' | 'plain' | 'packed' | 'removed'
  /** Of an uncompressed one; those of a compressed one are in its index file. */
  blocks?: Block[]
  /** As written, in bytes. */
  bytes: number
  /** On disk, in bytes. */
  diskBytes: number
  minMs: number
  maxMs: number
}

export interface SegmentFiles {
  plain: string
  packed: string
  index: string
}

export function filesOf(root: string, { folder, name }: Pick<Segment, 'folder' | 'name'>): SegmentFiles {
  const base = join(root, folder, name)
  return { plain: `${base}.ndjson`, packed: `${base}.ndjson.gz`, index: `${base}.index.json` }
}

export function segmentName(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:.]/g, '')
}

/** When the segment was begun, from its name. */
export function begunAtMs(name: string): number {
  const [, day, time, fraction] = /^(\d{8})T(\d{6})(\d{3})Z$/.exec(name) ?? []
  if (!day || !time) return Number.NaN
  const parts = (text: string) => text.match(/\d\d/g)!
  const [century, year, month, date] = parts(day)
  return Date.parse(`${century}${year}-${month}-${date}T${parts(time).join(':')}.${fraction}Z`)
}

/** The day in UTC a segment was begun on, `20261104`. */
export function dayOf(name: string): string {
  return name.slice(0, 8)
}

/**
 * A directory name for a service, whatever it calls itself. Services that would share one do; each line says whose it
 * is.
 */
export function folderOf(service: string): string {
  const plain = service
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '_')
    .slice(0, 64)
  return /^[a-z0-9]/.test(plain) ? plain : `_${plain}`.slice(0, 64)
}
