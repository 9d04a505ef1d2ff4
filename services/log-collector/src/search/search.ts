import type { LogLine } from '@berth/types'
import { levelsUpTo } from '../journal/block.ts'
import { OVERFLOW } from '../journal/journal.ts'
import { readBlock } from '../journal/read.ts'
import { folderOf, type Segment } from '../journal/segment.ts'
import { createLineFilter, type Filter, type LineFilter } from './filter.ts'
import { type Candidate, newestBlocks } from './newest-blocks.ts'
import { type Cursor, isBeyond, newestFirst, type Place } from './place.ts'

export interface SearchLimits {
  lines: number
  /** Of the lines answered, so that the answer fits into one message. */
  answerBytes: number
  /** Of log read in one call, as it was written. */
  scanBytes: number
  scanMs: number
}

export interface SearchResult {
  /** The newest first. */
  lines: LogLine[]
  /** Where to go on; absent when everything has been searched. There may be one although no line was found. */
  next?: Cursor
}

interface Found extends Place {
  line: LogLine
  bytes: number
}

const NEWLINE = 0x0a

/**
 * The newest lines that fit, from `cursor` on back in time. Blocks are read by their newest line, so the search ends
 * when no unread block can hold a newer line than those found. When the call has read as much as it may, what is
 * newer than every unread block is answered, with a cursor to go on.
 */
export async function search(
  journal: { root: string; segments(): Iterable<Segment> },
  filter: Filter,
  limits: SearchLimits,
  cursor?: Cursor,
): Promise<SearchResult> {
  const lineFilter = createLineFilter(filter)
  const levels = filter.level === undefined ? undefined : levelsUpTo(filter.level)
  const untilMs = Math.min(filter.toMs, cursor?.ms ?? Number.POSITIVE_INFINITY)
  const endsAt = performance.now() + limits.scanMs
  let kept: Found[] = []
  let isCut = false
  let scanned = 0
  let lastReach = Number.POSITIVE_INFINITY

  const inFolder = filter.service === undefined ? undefined : folderOf(filter.service)
  const segments = [...journal.segments()].filter(({ folder }) => inFolder === undefined || isOneOf(folder, inFolder))
  const blocks = newestBlocks(journal.root, segments, (one) => {
    if (one.minMs > untilMs || one.maxMs < filter.fromMs) return false
    return levels === undefined || one.levels === undefined || (one.levels & levels) !== 0
  })
  for await (const candidate of blocks) {
    const reach = Math.min(candidate.block.maxMs, untilMs)
    if (kept.length >= limits.lines && reach < kept.at(-1)!.ms) {
      isCut = true
      break
    }
    const isSpent = scanned > 0 && (scanned >= limits.scanBytes || performance.now() > endsAt)
    // Blocks that reach as far as the last one are read in the same call, or the cursor could stand still.
    if (isSpent && reach < lastReach) return upTo(reach, kept, isCut)
    lastReach = reach
    scanned += candidate.block.bytes
    const matches = await matchesIn(journal.root, candidate, lineFilter, cursor)
    if (matches.length === 0) continue
    const all = [...kept, ...matches].sort(newestFirst)
    kept = fitting(all, limits)
    isCut ||= kept.length < all.length
  }
  return { lines: kept.map(({ line }) => line), next: isCut ? placeOf(kept.at(-1)!) : undefined }
}

/** Lines of a service beyond the number of directories stand with those of others. */
function isOneOf(folder: string, wanted: string): boolean {
  return folder === wanted || folder === OVERFLOW
}

/** Everything newer than `reach` is known; the rest is still to be read. */
function upTo(reach: number, kept: Found[], isCut: boolean): SearchResult {
  const sure = kept.filter(({ ms }) => ms > reach)
  const lines = sure.map(({ line }) => line)
  if (isCut && sure.length === kept.length) return { lines, next: placeOf(kept.at(-1)!) }
  return { lines, next: { ms: reach } }
}

function placeOf({ ms, segment, offset }: Found): Cursor {
  return { ms, segment, offset }
}

function fitting(found: Found[], { lines, answerBytes }: SearchLimits): Found[] {
  let bytes = 0
  const end = found.findIndex((one, index) => {
    bytes += one.bytes
    return index >= lines || (bytes > answerBytes && index > 0)
  })
  return end < 0 ? found : found.slice(0, end)
}

async function matchesIn(
  root: string,
  { segment, block }: Candidate,
  filter: LineFilter,
  cursor?: Cursor,
): Promise<Found[]> {
  const { offset } = block
  const buffer = await readBlock(root, segment, block)
  if (!filter.mayHold(buffer)) return []
  const name = `${segment.folder}/${segment.name}`
  const found: Found[] = []
  for (let from = 0; from < buffer.length; ) {
    const end = buffer.indexOf(NEWLINE, from)
    const line = filter.match(buffer.toString('utf8', from, end))
    if (line) {
      const one = { ms: Date.parse(line.timestamp), segment: name, offset: offset + from, line, bytes: end - from }
      if (isBeyond(cursor, one)) found.push(one)
    }
    from = end + 1
  }
  return found
}
