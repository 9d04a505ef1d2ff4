import { rm, writeFile } from 'node:fs/promises'
import { sha256, someBytes, someImage } from '@berth/testkit'
import type { CommandReport } from '@berth/types'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { alone } from '../chore/index.ts'
import { type Adopting, openAdopting } from '../testing/adopting.ts'
import { NotWell } from './command.ts'

let adopting: Adopting

beforeAll(async () => {
  adopting = await openAdopting()
})
afterAll(() => adopting?.stop())
beforeEach(async () => {
  await adopting.world.sql(
    'TRUNCATE registry.manifest, registry.blob, registry.manifest_content, registry.chore CASCADE',
  )
})

const client = () => adopting.client('library/told')

async function fileOf(bytes: Uint8Array): Promise<string> {
  const where = 'SELECT storage_key AS key FROM registry.blob WHERE digest = $1'
  const [row] = await adopting.world.sql<{ key: string }>(where, [sha256(bytes)])
  return `${adopting.world.storageRoot}/${row?.key}`
}

/** What a command says that found something wrong. */
async function complaintOf(name: string, ...args: string[]): Promise<{ message: string; report: CommandReport }> {
  const found = await adopting.run(name, args).then(
    () => undefined,
    (err: unknown) => err,
  )
  if (!(found instanceof NotWell)) throw new Error(`${name} found nothing wrong`, { cause: found })
  return { message: found.message, report: found.report }
}

describe('scrub', () => {
  it('names what is corrupt and what it is in, the next time too, until it was pushed again', async () => {
    const image = someImage([5_000])
    const [layer, alone] = [image.layers[0] as Buffer, someBytes(3_000)]
    await client().pushImage(image, '1')
    await client().postBlob(alone)
    for (const bytes of [layer, alone]) await writeFile(await fileOf(bytes), Buffer.alloc(bytes.length))
    for (const corrupt of [2, 0]) {
      const { message, report } = await complaintOf('scrub')
      expect(message).toMatch(/^2 corrupt, /)
      expect(report.figures).toMatchObject({ corrupt, corruptInAll: 2 })
      expect(report.findings).toEqual([
        { what: 'blob', name: sha256(layer), why: `corrupt; in library/told@${image.digest}` },
        { what: 'blob', name: sha256(alone), why: 'corrupt; in no artifact' },
      ])
    }
    for (const bytes of [layer, alone]) expect((await client().postBlob(bytes)).status).toBe(201)
    expect(await adopting.run('scrub', [])).toMatchObject({ figures: { corruptInAll: 0 }, findings: [] })
  })

  it('names three of many artifacts a blob is in, and manifests that are corrupt themselves', async () => {
    const first = someImage([2_000])
    await client().pushImage(first)
    for (let i = 0; i < 4; i++) {
      await client().putManifest(
        `v${i}`,
        Buffer.from(JSON.stringify({ ...JSON.parse(String(first.manifest)), annotations: { i: `${i}` } })),
      )
    }
    await rm(await fileOf(first.config))
    await adopting.world.sql("UPDATE registry.manifest_content SET bytes = '{}' WHERE digest = $1", [first.digest])
    const { report } = await complaintOf('scrub')
    const [blob, manifest] = report.findings
    expect(blob).toMatchObject({ what: 'blob', name: sha256(first.config) })
    expect(blob?.why).toMatch(/^corrupt; in (library\/told@sha256:[0-9a-f]{64}(, )?){3} and others$/)
    expect(manifest).toEqual({
      what: 'manifest',
      name: first.digest,
      why: `corrupt; in library/told@${first.digest}`,
    })
  })
})

describe('scrub beside another one', () => {
  it('reads nothing, and names what is known to be corrupt', async () => {
    const bytes = someBytes(700)
    await client().postBlob(bytes)
    await rm(await fileOf(bytes))
    await alone(adopting.database, 'scrub', async () => {
      expect((await complaintOf('scrub')).message).toMatch(/^what is stored is being read already/)
    })
    await complaintOf('scrub')
    await alone(adopting.database, 'scrub', async () => {
      const { message, report } = await complaintOf('scrub')
      expect(message).toMatch(/^what is stored is being read already, .*; 1 corrupt, /)
      expect(report).toMatchObject({ figures: { corruptInAll: 1 }, findings: [{ name: sha256(bytes) }] })
    })
  })
})

describe('fsck', () => {
  it('says what wants repair, and what nothing but a push makes right', async () => {
    const bytes = someBytes(900)
    await client().postBlob(bytes)
    await rm(await fileOf(bytes))
    expect((await complaintOf('fsck')).message).toBe('1 of what was found wants --repair')
    expect((await adopting.run('fsck', ['--repair'])).figures).toMatchObject({ missing: 1, repaired: 1 })
    for (const args of [[], ['--repair']]) {
      const { message, report } = await complaintOf('fsck', ...args)
      expect(message).toBe('1 marked as corrupt: the next push of the same makes it right')
      expect(report.findings[0]?.why).toContain('; marked as corrupt')
    }
    expect((await client().postBlob(bytes)).status).toBe(201)
    expect((await adopting.run('fsck', [])).figures).toMatchObject({ missing: 0, marked: 0 })
  })
})
