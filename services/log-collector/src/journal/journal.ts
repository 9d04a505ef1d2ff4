import { rm } from 'node:fs/promises'
import type { LogLine } from '@berth/types'
import { packSegment } from './pack.ts'
import { recoverSegments } from './recover.ts'
import { filesOf, folderOf, type Segment } from './segment.ts'
import { createWriter, type Writer, type WrittenLine } from './writer.ts'

export interface JournalLimits {
  /** A file is ended when it is this big, in bytes. */
  fileBytes: number
  /** All files together, compressed ones as they are, in bytes. */
  totalBytes: number
  keepMs: number
}

/** How far the files of each service had been written at some moment. */
export type Positions = Record<string, { name: string; bytes: number }>

export interface Journal {
  readonly root: string
  /** Every segment there is, in no order. */
  segments(): Iterable<Segment>
  /** Adds lines of one service and resolves when they are on the disk; throws without a trace of them. */
  append(service: string, lines: readonly WrittenLine[]): Promise<void>
  positions(): Positions
  /** Ends the files of yesterday. Not while lines are being added. */
  endOldDay(): Promise<void>
  /** Compresses what has ended before `positions`, and removes what is too old or too much. */
  tidy(positions: Positions): Promise<void>
  close(): Promise<void>
}

/** More services than this share one directory: whoever makes up names makes no files. */
const MAX_FOLDERS = 64
export const OVERFLOW = '_others'

/**
 * Opens the log files in `root`. Lines written after `since` are handed to `onLine`: they are in the files, and whoever
 * keeps account of lines has not heard of them.
 */
export async function openJournal(options: {
  root: string
  limits: JournalLimits
  since?: Positions
  onLine?: (line: LogLine) => void
  now?: () => number
}): Promise<Journal> {
  const { root, limits, since = {}, onLine = () => undefined, now = Date.now } = options
  const found = await recoverSegments(root, (segment, line, endsAt) => {
    const known = since[segment.folder]
    const isNews = !known || segment.name > known.name || (segment.name === known.name && endsAt > known.bytes)
    if (isNews) onLine(line)
  })
  const segments = new Set(found)
  const writers = new Map<string, Writer>()
  // Oldest first: the newest of each service is the one to go on with.
  const newest = new Map(found.filter(({ form }) => form === 'plain').map((segment) => [segment.folder, segment]))
  for (const [folder, segment] of newest) {
    segment.form = 'open'
    writers.set(folder, writerOf(folder, segment))
  }

  function writerOf(folder: string, segment?: Segment): Writer {
    return createWriter({ root, folder, maxBytes: limits.fileBytes, segment, now, onNew: (made) => segments.add(made) })
  }

  function writerFor(service: string): Writer {
    const wanted = folderOf(service)
    const folder = writers.has(wanted) || writers.size < MAX_FOLDERS ? wanted : OVERFLOW
    const writer = writers.get(folder) ?? writerOf(folder)
    writers.set(folder, writer)
    return writer
  }

  async function remove(segment: Segment): Promise<void> {
    segment.form = 'removed'
    segments.delete(segment)
    const { plain, packed, index } = filesOf(root, segment)
    for (const path of [packed, plain, index]) await rm(path, { force: true })
  }

  return {
    root,
    segments: () => segments,
    append: (service, lines) => writerFor(service).append(lines),
    positions() {
      return Object.fromEntries(
        [...writers].flatMap(([folder, { position }]) => (position ? [[folder, position]] : [])),
      )
    },
    async endOldDay() {
      for (const writer of writers.values()) await writer.endOldDay()
    },
    async tidy(positions) {
      for (const segment of [...segments]) {
        const known = positions[segment.folder]
        const isAccounted = known && (segment.name < known.name || segment.bytes <= known.bytes)
        if (segment.form === 'plain' && isAccounted) await packSegment(root, segment)
      }
      for (const segment of tooMany(segments, limits, now())) await remove(segment)
    },
    async close() {
      for (const writer of writers.values()) await writer.close()
    },
  }
}

/** What is too old, and then the oldest of whichever service has the most, so that a flood of one washes away its own. */
function tooMany(segments: Iterable<Segment>, limits: JournalLimits, nowMs: number): Segment[] {
  const all = [...segments].sort((a, b) => (a.name < b.name ? -1 : 1))
  const isOver = (segment: Segment) => segment.form !== 'open' && segment.maxMs < nowMs - limits.keepMs
  const gone = all.filter(isOver)
  const left = all.filter((segment) => !isOver(segment))
  let total = left.reduce((sum, { diskBytes }) => sum + diskBytes, 0)
  while (total > limits.totalBytes) {
    const folder = biggestFolder(left)
    const at = left.findIndex((segment) => segment.folder === folder)
    const [oldest] = left.splice(at, 1)
    if (!oldest) break
    total -= oldest.diskBytes
    if (oldest.form !== 'open') gone.push(oldest)
  }
  return gone
}

function biggestFolder(segments: readonly Segment[]): string | undefined {
  const bytes = new Map<string, number>()
  for (const { folder, diskBytes } of segments) bytes.set(folder, (bytes.get(folder) ?? 0) + diskBytes)
  return [...bytes].sort((a, b) => b[1] - a[1])[0]?.[0]
}
