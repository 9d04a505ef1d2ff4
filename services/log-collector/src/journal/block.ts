import { LOG_LEVELS, type LogLevel } from '@berth/types'
import { z } from 'zod'

/** A stretch of whole lines of one segment, small enough to be read at once. */
export const Block = z.object({
  /** In the segment as it was written, in bytes. */
  offset: z.number(),
  bytes: z.number(),
  lines: z.number(),
  minMs: z.number(),
  maxMs: z.number(),
  /** One bit for each level that occurs in it. */
  levels: z.number(),
  /** Where it stands once the segment is compressed, in bytes. */
  packedOffset: z.number().optional(),
  packedBytes: z.number().optional(),
})
export type Block = z.output<typeof Block>

const BLOCK_BYTES = 256 * 1024

/** Adds a line at the end, in the last block or in a new one. */
export function addToBlocks(blocks: Block[], line: { bytes: number; ms: number; level: LogLevel }): void {
  const last = blocks.at(-1)
  if (!last || last.bytes >= BLOCK_BYTES) {
    const offset = last ? last.offset + last.bytes : 0
    const { bytes, ms } = line
    blocks.push({ offset, bytes, lines: 1, minMs: ms, maxMs: ms, levels: levelBit(line.level) })
    return
  }
  last.bytes += line.bytes
  last.lines++
  last.minMs = Math.min(last.minMs, line.ms)
  last.maxMs = Math.max(last.maxMs, line.ms)
  last.levels |= levelBit(line.level)
}

function levelBit(level: LogLevel): number {
  return 1 << LOG_LEVELS.indexOf(level)
}

/** The bits of this level and of the graver ones. */
export function levelsUpTo(level: LogLevel): number {
  return (levelBit(level) << 1) - 1
}

/** What a list of blocks holds together. */
export function summaryOf(blocks: readonly Block[]): { bytes: number; minMs: number; maxMs: number } {
  let bytes = 0
  let minMs = Number.POSITIVE_INFINITY
  let maxMs = Number.NEGATIVE_INFINITY
  for (const block of blocks) {
    bytes += block.bytes
    minMs = Math.min(minMs, block.minMs)
    maxMs = Math.max(maxMs, block.maxMs)
  }
  return { bytes, minMs, maxMs }
}
