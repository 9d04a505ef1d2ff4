import { randomBytes } from 'node:crypto'
import type { Writable } from 'node:stream'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { NotFound } from '@berth/errors'
import { type Header, pack } from 'tar-stream'
import { describe, expect, it } from 'vitest'
import type { StoredBytes } from '../storage/index.ts'
import { AdditionTooLarge, findInArchive, packingOf, readWhole } from './unpack.ts'

const KIB = 1024
const MIB = 1024 * KIB

async function tarOf(...entries: [name: string, content: Buffer | string, more?: Partial<Header>][]): Promise<Buffer> {
  const archive = pack()
  for (const [name, content, more] of entries) archive.entry({ name, ...more }, content as string)
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** As the storage sends: in chunks of memory that is overwritten once a write has been called back. */
function stored(bytes: Buffer, chunkBytes = 10 * KIB, failsAfter = Number.POSITIVE_INFINITY) {
  const sent = { bytes: 0 }
  const sendTo = async (into: Writable) => {
    into.on('error', () => undefined)
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      if (at >= failsAfter) throw new Error('the disk is on fire')
      const chunk = Buffer.from(bytes.subarray(at, at + chunkBytes))
      await new Promise<void>((resolve, reject) => {
        if (into.destroyed) return reject(new Error('gone'))
        const gone = () => reject(new Error('gone'))
        into.once('close', gone)
        into.write(chunk, (err) => {
          into.off('close', gone)
          if (err) reject(err)
          else resolve()
        })
      })
      sent.bytes += chunk.length
      chunk.fill(0xff)
    }
  }
  const close = async () => undefined
  return { source: { sendTo, close } satisfies StoredBytes, sent }
}

const find = (bytes: Buffer, name = 'wanted', packing: 'gzip' | 'zstd' | 'none' = 'gzip', max = 512 * KIB) =>
  findInArchive(stored(bytes).source, packing, (entry) => entry === name, max)

describe('a file in an archive', () => {
  it('is found however the archive is packed, whatever the storage does with its memory', async () => {
    const content = randomBytes(300 * KIB)
    const archive = await tarOf(['other', 'x'.repeat(40 * KIB)], ['wanted', content], ['wanted', 'another'])
    expect((await find(archive, 'wanted', 'none'))?.equals(content)).toBe(true)
    expect((await find(gzipSync(archive)))?.equals(content)).toBe(true)
    expect((await find(zstdCompressSync(archive), 'wanted', 'zstd'))?.equals(content)).toBe(true)
    expect(await find(gzipSync(archive), 'missing')).toBeUndefined()
    expect(await find(gzipSync(await tarOf(['wanted', ''])))).toEqual(Buffer.alloc(0))
  })

  it('is read no further than to its end', async () => {
    const archive = await tarOf(['wanted', 'here'], ['rest', randomBytes(8 * MIB)])
    const { source, sent } = stored(gzipSync(archive))
    expect((await findInArchive(source, 'gzip', (name) => name === 'wanted', KIB))?.toString()).toBe('here')
    expect(sent.bytes).toBeLessThan(4 * MIB)
  })

  it('is no link, no folder and no device', async () => {
    const archive = await tarOf(
      ['wanted', '', { type: 'symlink', linkname: '/etc/passwd' }],
      ['wanted', '', { type: 'link', linkname: 'other' }],
      ['wanted', '', { type: 'directory' }],
      ['wanted', '', { type: 'fifo' }],
    )
    expect(await find(gzipSync(archive))).toBeUndefined()
  })

  it('may be as long as allowed and no longer', async () => {
    const exact = await tarOf(['wanted', Buffer.alloc(KIB)])
    expect((await find(exact, 'wanted', 'none', KIB))?.length).toBe(KIB)
    await expect(find(exact, 'wanted', 'none', KIB - 1)).rejects.toThrow(AdditionTooLarge)
  })

  it('is not looked for behind a bomb', async () => {
    const bomb = gzipSync(await tarOf(['zeros', Buffer.alloc(40 * MIB)], ['wanted', 'here']))
    expect(bomb.length).toBeLessThan(MIB)
    await expect(find(bomb)).rejects.toThrow(AdditionTooLarge)
    const inside = gzipSync(await tarOf(['wanted', Buffer.alloc(40 * MIB)]))
    await expect(find(inside)).rejects.toThrow(AdditionTooLarge)
  })

  it('is not looked for in endless entries or endless headers', async () => {
    const empty = await tarOf(['a', ''])
    const header = empty.subarray(0, 512)
    const many = gzipSync(Buffer.concat(Array.from({ length: 12_000 }, () => header)))
    await expect(find(many)).rejects.toThrow(AdditionTooLarge)
    const long = await tarOf(['x', Buffer.alloc(20 * MIB, 0x20)])
    long.write('x', 156, 'ascii')
    long.fill(' ', 148, 156)
    const sum = long.subarray(0, 512).reduce((total, byte) => total + byte, 0)
    long.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii')
    await expect(find(gzipSync(long))).rejects.toThrow(NotFound)
  })

  it('is not found in what is no archive', async () => {
    const archive = gzipSync(await tarOf(['other', randomBytes(100 * KIB)], ['wanted', 'here']))
    for (const bytes of [
      Buffer.from('not packed at all'),
      Buffer.alloc(0),
      archive.subarray(0, archive.length / 2),
      gzipSync(randomBytes(100 * KIB)),
      gzipSync(Buffer.concat([await tarOf(['other', 'x']), randomBytes(5 * KIB)])),
    ]) {
      await expect(find(bytes).then((found) => found ?? Promise.reject(new NotFound('none')))).rejects.toThrow(NotFound)
    }
  })

  it('says what the storage failed with', async () => {
    const archive = gzipSync(await tarOf(['other', randomBytes(200 * KIB)], ['wanted', 'here']))
    const failing = stored(archive, 10 * KIB, 50 * KIB).source
    await expect(findInArchive(failing, 'gzip', () => false, KIB)).rejects.toThrow('the disk is on fire')
    await expect(readWhole(stored(archive, 10 * KIB, 50 * KIB).source, MIB)).rejects.toThrow('the disk is on fire')
  })
})

describe('a blob that is no archive', () => {
  it('is read whole, up to a bound', async () => {
    const bytes = randomBytes(100 * KIB)
    expect((await readWhole(stored(bytes).source, 100 * KIB)).equals(bytes)).toBe(true)
    await expect(readWhole(stored(bytes).source, 100 * KIB - 1)).rejects.toThrow(AdditionTooLarge)
  })
})

describe('how an archive is packed', () => {
  it('is said by its media type', () => {
    const types = ['application/vnd.x.tar+gzip', 'application/vnd.x.tar.gzip', 'application/vnd.x.tar+zstd', 'x.tar']
    expect(types.map(packingOf)).toEqual(['gzip', 'gzip', 'zstd', 'none'])
  })
})
