import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { LogLevel } from '@berth/types'
import { addToBlocks } from './block.ts'
import { syncDirectory } from './files.ts'
import { begunAtMs, dayOf, filesOf, type Segment, segmentName } from './segment.ts'

export interface WrittenLine {
  level: LogLevel
  ms: number
  bytes: Buffer
}

/** Writes the newest segment of one service. One call at a time. */
export interface Writer {
  /** The newest segment there has been, and how much of it is on the disk. */
  readonly position: { name: string; bytes: number } | undefined
  /**
   * Adds lines and resolves when they are on the disk. When it throws, none of them is, and the same lines can be
   * handed in again.
   */
  append(lines: readonly WrittenLine[]): Promise<void>
  /** Ends the segment if it is of another day. */
  endOldDay(): Promise<void>
  close(): Promise<void>
}

export function createWriter(options: {
  root: string
  folder: string
  maxBytes: number
  /** The segment an earlier life has left, to go on with. */
  segment?: Segment
  now: () => number
  onNew: (segment: Segment) => void
}): Writer {
  const { root, folder, maxBytes, now, onNew } = options
  let { segment } = options
  let ended: Writer['position']
  let file: FileHandle | undefined
  let lastMs = segment ? begunAtMs(segment.name) : 0
  // After a failed write nobody knows what is behind the lines that count.
  let isClean = segment === undefined

  async function begin(): Promise<Segment> {
    await mkdir(join(root, folder), { recursive: true, mode: 0o700 })
    const begunMs = Math.max(now(), lastMs + 1)
    const name = segmentName(begunMs)
    const made: Segment = {
      folder,
      name,
      form: 'open',
      blocks: [],
      bytes: 0,
      diskBytes: 0,
      minMs: Infinity,
      maxMs: -Infinity,
    }
    file = await open(filesOf(root, made).plain, 'ax', 0o600)
    await syncDirectory(join(root, folder))
    lastMs = begunMs
    segment = made
    isClean = true
    onNew(made)
    return made
  }

  async function end(): Promise<void> {
    await file?.close()
    file = undefined
    if (segment) {
      segment.form = 'plain'
      ended = { name: segment.name, bytes: segment.bytes }
    }
    segment = undefined
  }

  async function openFile(of: Segment): Promise<FileHandle> {
    file ??= await open(filesOf(root, of).plain, 'a', 0o600)
    if (!isClean) await file.truncate(of.bytes)
    isClean = true
    return file
  }

  return {
    get position() {
      return segment ? { name: segment.name, bytes: segment.bytes } : ended
    },
    async append(lines) {
      const whole = Buffer.concat(lines.map((line) => line.bytes))
      if (segment && segment.bytes > 0 && (segment.bytes + whole.length > maxBytes || isOld(segment, now())))
        await end()
      const into = segment ?? (await begin())
      const handle = await openFile(into)
      isClean = false
      for (let written = 0; written < whole.length; ) {
        written += (await handle.write(whole, written, whole.length - written)).bytesWritten
      }
      await handle.datasync()
      isClean = true
      note(into, lines)
    },
    async endOldDay() {
      if (segment && isOld(segment, now())) await end()
    },
    async close() {
      await file?.close()
      file = undefined
    },
  }
}

function isOld({ name }: Segment, nowMs: number): boolean {
  return dayOf(name) < dayOf(segmentName(nowMs))
}

function note(segment: Segment, lines: readonly WrittenLine[]): void {
  segment.blocks ??= []
  for (const { bytes, ms, level } of lines) {
    addToBlocks(segment.blocks, { bytes: bytes.length, ms, level })
    segment.bytes += bytes.length
    segment.minMs = Math.min(segment.minMs, ms)
    segment.maxMs = Math.max(segment.maxMs, ms)
  }
  segment.diskBytes = segment.bytes
}
