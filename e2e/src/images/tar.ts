import { Readable } from 'node:stream'

export interface TarEntry {
  name: string
  sizeBytes: number
  bytes: () => Iterable<Buffer> | AsyncIterable<Buffer>
}

export function fileEntry(name: string, content: Buffer | string): TarEntry {
  const bytes = Buffer.from(content)
  return { name, sizeBytes: bytes.length, bytes: () => [bytes] }
}

/** A ustar archive of plain files, mode 0644, dated 2026-01-01, so the same entries are the same bytes. */
export function tar(entries: readonly TarEntry[]): Readable {
  async function* archive(): AsyncGenerator<Buffer> {
    for (const entry of entries) {
      yield header(entry)
      yield* entry.bytes()
      const over = entry.sizeBytes % 512
      if (over > 0) yield Buffer.alloc(512 - over)
    }
    yield Buffer.alloc(1024)
  }
  return Readable.from(archive(), { objectMode: false })
}

function header(entry: TarEntry): Buffer {
  const block = Buffer.alloc(512)
  if (Buffer.byteLength(entry.name) > 100) throw new Error(`name too long for ustar: ${entry.name}`)
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`
  block.write(entry.name, 0)
  block.write(octal(0o644, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(entry.sizeBytes, 12), 124)
  block.write(octal(Date.UTC(2026, 0, 1) / 1000, 12), 136)
  block.write('        0', 148)
  block.write('ustar\x0000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}
