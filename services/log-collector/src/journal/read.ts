import { open, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Block } from './block.ts'
import { isMissing } from './files.ts'
import { readExactly, SegmentIndex } from './pack.ts'
import { filesOf, type Segment } from './segment.ts'

const unpack = promisify(gunzip)

/** The blocks of a segment, oldest first; none when it was removed meanwhile. */
export async function blocksOf(root: string, segment: Segment): Promise<readonly Block[]> {
  if (segment.blocks) return segment.blocks
  return unlessRemoved(segment, [], async () => {
    const text = await readFile(filesOf(root, segment).index, 'utf8')
    return SegmentIndex.parse(JSON.parse(text)).blocks
  })
}

/** The lines of a block; none when its segment was removed meanwhile. */
export async function readBlock(root: string, segment: Segment, block: Block): Promise<Buffer> {
  const { plain, packed } = filesOf(root, segment)
  if (segment.form === 'open' || segment.form === 'plain') {
    try {
      return await readPart(plain, block.offset, block.bytes)
    } catch (err) {
      // Compressed since we looked.
      if (!isMissing(err)) throw err
    }
  }
  return unlessRemoved(segment, Buffer.alloc(0), async () => {
    const { packedOffset, packedBytes, bytes } = await packedPlace(root, segment, block)
    return unpack(await readPart(packed, packedOffset, packedBytes), { maxOutputLength: bytes })
  })
}

async function packedPlace(root: string, segment: Segment, block: Block) {
  const isKnown = block.packedOffset !== undefined
  const found = isKnown ? block : (await blocksOf(root, segment)).find(({ offset }) => offset === block.offset)
  const { packedOffset, packedBytes, bytes } = found ?? block
  if (packedOffset === undefined || packedBytes === undefined) throw new Error('a block is in no index')
  return { packedOffset, packedBytes, bytes }
}

async function readPart(path: string, offset: number, bytes: number): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    return await readExactly(file, offset, bytes)
  } finally {
    await file.close()
  }
}

async function unlessRemoved<T>(segment: Segment, nothing: T, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (err) {
    if (isMissing(err) && segment.form === 'removed') return nothing
    throw err
  }
}
