import { parseManifest, parseRepositoryName, type Tag } from '@berth/oci'
import { INDEX_TYPE, indexOf, MANIFEST_TYPE, sha256, someImage, type TestImage } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { manifestStore, putManifest } from '../manifest/index.ts'
import { createWithProject, projectStore } from '../project/index.ts'
import { openTables, type Tables } from '../testing/test-tables.ts'
import { copyArtifact } from './copy-artifact.ts'

const CHILDREN = 40
const name = parseRepositoryName('library/from')

describe('a copy that takes its time', () => {
  let tables: Tables
  const images = Array.from({ length: CHILDREN }, () => someImage([10]))
  const index = indexOf(images)
  const copy = (reference: string, to: string, ms: number) => {
    const { database } = tables
    const projects = projectStore(database)
    const withProject = createWithProject(projects, async () => null)
    const project = { id: 1, accessRevision: 1 }
    const parts = { database, manifests: manifestStore(database), projects, withProject }
    return copyArtifact(parts, { from: { project, repository: name, reference }, to: { project, repository: to } }, ms)
  }
  const put = async (bytes: Buffer, type: string, tags: string[] = []) =>
    putManifest(
      tables.database,
      {
        name,
        digest: sha256(bytes) as Parameters<typeof putManifest>[1]['digest'],
        bytes,
        manifest: parseManifest(bytes, type),
        tags: tags as Tag[],
      },
      (facts) => {
        if (facts === undefined) throw new Error('no project')
        return facts
      },
    )
  async function putImage(image: TestImage, tags: string[] = []): Promise<void> {
    for (const blob of [image.config, ...image.layers]) {
      await tables.sql(
        `WITH b AS (INSERT INTO blob (digest, size, storage_key) VALUES ($1, $2, $1) ON CONFLICT DO NOTHING RETURNING id)
         INSERT INTO repository_blob SELECT r.id, b.id FROM b, repository r WHERE r.name = 'library/from'`,
        [sha256(blob), blob.length],
      )
    }
    await put(image.manifest, MANIFEST_TYPE, tags)
  }
  const listed = (repository: string) =>
    tables.sql<{ digest: string; tags: string[] }>(
      `SELECT m.digest, ARRAY(SELECT t.name::text FROM tag t WHERE t.manifest_id = m.id ORDER BY t.name) AS tags
       FROM manifest m JOIN repository r ON r.id = m.repository_id WHERE r.name = $1 ORDER BY m.id`,
      [repository],
    )

  beforeAll(async () => {
    tables = await openTables()
    await tables.sql(
      `INSERT INTO project (id, name, kind, state, public, access_revision, quota_limit, revision)
       VALUES (1, 'library', 'local', 'open', true, 1, -1, 1)`,
    )
    await tables.sql(`INSERT INTO repository (project_id, name, listed) VALUES (1, 'library/from', true)`)
    for (const image of images) await putImage(image)
    await put(index.manifest, INDEX_TYPE, ['v1', 'v2'])
  })
  afterAll(() => tables?.stop())

  it('goes on where it was left, and names the artifact when everything else is there', async () => {
    let [calls, copied] = [0, 0]
    for (let done = false; !done; calls++) {
      const outcome = await copy('v1', 'library/to', 15)
      copied += outcome.copied
      done = outcome.done
      const there = await listed('library/to')
      expect(there.some(({ digest }) => digest === index.digest)).toBe(done)
      expect(there).toHaveLength(copied)
      expect(calls).toBeLessThan(100)
    }
    expect(calls).toBeGreaterThan(1)
    expect(copied).toBe(CHILDREN + 1)
    expect((await listed('library/to')).at(-1)).toEqual({ digest: index.digest, tags: ['v1', 'v2'] })
  })

  it('sets more tags than one push may, and again only those that are missing', async () => {
    const image = someImage([10])
    const tags = Array.from({ length: 250 }, (_, n) => `t${n}`)
    await putImage(image, tags)
    expect(await copy('t7', 'library/tags', 10_000)).toEqual({ digest: image.digest, copied: 1, done: true })
    expect((await listed('library/tags'))[0]?.tags).toEqual(tags.toSorted())
    await tables.sql(
      `DELETE FROM tag WHERE name = 't9' AND repository_id = (SELECT id FROM repository WHERE name = 'library/tags')`,
    )
    expect((await copy('t7', 'library/tags', 10_000)).copied).toBe(1)
    expect((await listed('library/tags'))[0]?.tags).toEqual(tags.toSorted())
    expect((await copy('t7', 'library/tags', 10_000)).copied).toBe(0)
  })

  it('ends where tags make two artifacts accessories of each other', async () => {
    const [one, other] = [someImage([1]), someImage([2])]
    await putImage(one, [`${other.digest.replace(':', '-')}.att`])
    await putImage(other, [`${one.digest.replace(':', '-')}.att`])
    await tables.sql(`UPDATE manifest SET accessory_type = NULL WHERE digest = $1`, [one.digest])
    expect(await copy(one.digest, 'library/round', 10_000)).toMatchObject({ copied: 2, done: true })
    expect((await listed('library/round')).map(({ digest }) => digest)).toEqual([other.digest, one.digest])
  })

  it('is refused when the content it would put has rotted', async () => {
    const image = someImage([3])
    await putImage(image, ['rotten'])
    await tables.sql(`UPDATE manifest_content SET bytes = bytes || ' '::bytea WHERE digest = $1`, [image.digest])
    await expect(copy('rotten', 'library/rotten', 10_000)).rejects.toThrow('the bytes of a manifest are corrupt')
    expect(await listed('library/rotten')).toEqual([])
  })
})
