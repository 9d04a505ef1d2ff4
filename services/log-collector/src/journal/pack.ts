import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { z } from 'zod'
import { Block } from './block.ts'
import { replaceFile, syncDirectory } from './files.ts'
import { filesOf, type Segment } from './segment.ts'

const compress = promisify(gzip)

/** The index file beside a compressed segment. */
export const SegmentIndex = z.object({ version: z.literal(1), blocks: z.array(Block) })

/**
 * Compresses a segment that has ended. Each block becomes a gzip member of its own, so `zcat` reads the whole file and
 * a search unpacks just what it needs.
 */
export async function packSegment(root: string, segment: Segment): Promise<void> {
  const files = filesOf(root, segment)
  const draft = `${files.packed}.tmp`
  const source = await open(files.plain, 'r')
  const target = await open(draft, 'w', 0o600)
  const blocks: Block[] = []
  let packedOffset = 0
  try {
    for (const block of segment.blocks ?? []) {
      const packed = await compress(await readExactly(source, block.offset, block.bytes))
      await target.writeFile(packed)
      blocks.push({ ...block, packedOffset, packedBytes: packed.length })
      packedOffset += packed.length
    }
    await target.datasync()
  } finally {
    await source.close()
    await target.close()
  }
  // The index first: where there is a compressed segment there is its index.
  const index = JSON.stringify({ version: 1, blocks } satisfies z.input<typeof SegmentIndex>)
  await replaceFile(files.index, index)
  await rename(draft, files.packed)
  await syncDirectory(dirname(files.packed))
  segment.form = 'packed'
  segment.diskBytes = packedOffset + index.length
  segment.blocks = undefined
  await rm(files.plain, { force: true })
}

export async function readExactly(file: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes)
  for (let done = 0; done < bytes; ) {
    const { bytesRead } = await file.read(buffer, done, bytes - done, offset + done)
    if (bytesRead === 0) throw new Error('a log file is shorter than it should be')
    done += bytesRead
  }
  return buffer
}
