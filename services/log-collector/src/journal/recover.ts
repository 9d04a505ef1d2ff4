import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { LogLine } from '@berth/types'
import { addToBlocks, type Block, summaryOf } from './block.ts'
import { isMissing } from './files.ts'
import { SegmentIndex } from './pack.ts'
import { begunAtMs, filesOf, type Segment } from './segment.ts'

const NAME = /^(\d{8}T\d{9}Z)\.ndjson(\.gz)?$/
const NEWLINE = 0x0a

/** Called for every line of an uncompressed segment, with where it ends, in bytes. */
export type OnLine = (segment: Segment, line: LogLine, endsAt: number) => void

/**
 * Finds the segments an earlier life has left, oldest first. Uncompressed ones are read through: half a line at the
 * end, which was never acknowledged, is cut off.
 */
export async function recoverSegments(root: string, onLine: OnLine): Promise<Segment[]> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  const segments: Segment[] = []
  for (const entry of await readdir(root, { withFileTypes: true })) {
    if (entry.isDirectory()) segments.push(...(await recoverFolder(root, entry.name, onLine)))
  }
  return segments.sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function recoverFolder(root: string, folder: string, onLine: OnLine): Promise<Segment[]> {
  const present = await readdir(join(root, folder))
  await Promise.all(present.filter((file) => file.endsWith('.tmp')).map((file) => rm(join(root, folder, file))))
  const names = new Set(present.flatMap((file) => NAME.exec(file)?.[1] ?? []))
  const segments: Segment[] = []
  for (const name of [...names].sort()) {
    const segment = emptySegment(folder, name)
    if (!(await recoverPacked(root, segment))) await recoverPlain(root, segment, onLine)
    if (segment.bytes > 0) segments.push(segment)
    else await rm(filesOf(root, segment).plain, { force: true })
  }
  return segments
}

function emptySegment(folder: string, name: string): Segment {
  return { folder, name, form: 'plain', bytes: 0, diskBytes: 0, minMs: Infinity, maxMs: -Infinity }
}

async function recoverPacked(root: string, segment: Segment): Promise<boolean> {
  const { plain, packed, index } = filesOf(root, segment)
  try {
    const { size } = await stat(packed)
    const text = await readFile(index, 'utf8')
    const { blocks } = SegmentIndex.parse(JSON.parse(text))
    await rm(plain, { force: true })
    Object.assign(segment, { form: 'packed', diskBytes: size + text.length, ...summaryOf(blocks) })
    return true
  } catch (err) {
    if (!isMissing(err)) throw err
    await unpackOrphan(plain, packed)
    return false
  }
}

/** A compressed segment whose index is gone becomes an uncompressed one again. */
async function unpackOrphan(plain: string, packed: string): Promise<void> {
  const exists = await stat(packed).catch(() => undefined)
  if (!exists) return
  await pipeline(createReadStream(packed), createGunzip(), createWriteStream(`${plain}.tmp`, { mode: 0o600 }))
  await rename(`${plain}.tmp`, plain)
  await rm(packed)
}

async function recoverPlain(root: string, segment: Segment, onLine: OnLine): Promise<void> {
  const { plain } = filesOf(root, segment)
  const blocks: Block[] = []
  segment.blocks = blocks
  let endsAt = 0
  let rest = Buffer.alloc(0)
  for await (const chunk of createReadStream(plain, { highWaterMark: 256 * 1024 })) {
    const text = Buffer.concat([rest, chunk as Buffer])
    let from = 0
    for (let at = text.indexOf(NEWLINE); at >= 0; at = text.indexOf(NEWLINE, from)) {
      const bytes = at + 1 - from
      const line = readLine(text.subarray(from, at))
      const ms = line ? Date.parse(line.timestamp) : Math.max(segment.maxMs, begunAtMs(segment.name))
      endsAt += bytes
      from = at + 1
      addToBlocks(blocks, { bytes, ms, level: line?.level ?? 'info' })
      segment.minMs = Math.min(segment.minMs, ms)
      segment.maxMs = Math.max(segment.maxMs, ms)
      if (line) onLine(segment, line, endsAt)
    }
    rest = text.subarray(from)
  }
  segment.bytes = endsAt
  segment.diskBytes = endsAt
  if (rest.length > 0) await cutAt(plain, endsAt)
}

function readLine(text: Buffer): LogLine | undefined {
  try {
    return LogLine.safeParse(JSON.parse(text.toString('utf8'))).data
  } catch {
    return undefined
  }
}

async function cutAt(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.truncate(bytes)
    await file.datasync()
  } finally {
    await file.close()
  }
}
