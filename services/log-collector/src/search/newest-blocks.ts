import type { Block } from '../journal/block.ts'
import { blocksOf } from '../journal/read.ts'
import type { Segment } from '../journal/segment.ts'

export interface Candidate {
  segment: Segment
  block: Block
}

/** The blocks that fit, by the time of their newest line, the newest first; indexes are read as they are needed. */
export async function* newestBlocks(
  root: string,
  segments: Iterable<Segment>,
  fits: (one: Pick<Block, 'minMs' | 'maxMs'> & { levels?: number }) => boolean,
): AsyncGenerator<Candidate> {
  const rest = [...segments].filter(fits).sort((a, b) => a.maxMs - b.maxMs)
  const ready: Candidate[] = []
  for (;;) {
    const newest = ready.at(-1)?.block.maxMs ?? Number.NEGATIVE_INFINITY
    const next = rest.at(-1)
    if (next && next.maxMs >= newest) {
      rest.pop()
      for (const block of await blocksOf(root, next)) if (fits(block)) ready.push({ segment: next, block })
      ready.sort((a, b) => a.block.maxMs - b.block.maxMs)
      continue
    }
    const candidate = ready.pop()
    if (!candidate) return
    yield candidate
  }
}
