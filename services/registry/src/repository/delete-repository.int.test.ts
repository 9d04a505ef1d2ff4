import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTables, type Tables } from '../testing/test-tables.ts'
import { deleteRepository } from './delete-repository.ts'

const MANY = 3_000

/** Every third is an index of the two before it; each has a blob of its own and one shared by all, and a tag. */
const SEED = `
INSERT INTO project (id, name, kind, state, public, access_revision, quota_limit, revision, used)
  VALUES (1, 'library', 'local', 'open', true, 1, -1, 1, ${MANY} * 10 + 5);
INSERT INTO repository (project_id, name, listed) VALUES (1, 'library/many', true);
INSERT INTO manifest_content (digest, bytes) SELECT 'sha256:' || n, '{}' FROM generate_series(1, ${MANY}) n;
INSERT INTO blob (digest, size, storage_key) SELECT 'b' || n, 10, 'b' || n FROM generate_series(1, ${MANY}) n;
INSERT INTO blob (digest, size, storage_key) VALUES ('shared', 5, 'shared');
INSERT INTO project_blob SELECT 1, id FROM blob;
INSERT INTO repository_blob SELECT 1, id FROM blob;
INSERT INTO manifest (repository_id, digest, media_type, size)
  SELECT 1, 'sha256:' || n, 'a/b', 2 FROM generate_series(1, ${MANY}) n;
INSERT INTO manifest_blob SELECT n, n, 1 FROM generate_series(1, ${MANY}) n;
INSERT INTO manifest_blob SELECT n, ${MANY} + 1, 1 FROM generate_series(1, ${MANY}) n;
INSERT INTO manifest_child (parent_id, child_id) SELECT n, n - 1 FROM generate_series(3, ${MANY}, 3) n;
INSERT INTO manifest_child (parent_id, child_id) SELECT n, n - 2 FROM generate_series(3, ${MANY}, 3) n;
INSERT INTO tag (repository_id, name, manifest_id, revision) SELECT 1, 't' || n, n, n FROM generate_series(1, ${MANY}) n
`

describe('a repository of thousands of artifacts', () => {
  let tables: Tables
  beforeAll(async () => {
    tables = await openTables()
    for (const statement of SEED.split(';\n')) await tables.sql(statement)
  })
  afterAll(() => tables?.stop())

  it('is deleted a batch at a time, going on where it was left, and every deletion is told', async () => {
    const asked = { project: { id: 1, accessRevision: 1 }, repository: 'library/many', actor: 'alice' }
    const found = async () => {
      const [row] = await tables.sql<{ left: number; used: number; told: number }>(
        `SELECT (SELECT count(*)::int FROM manifest) AS left, p.used::int, (SELECT count(*)::int FROM outbox) AS told
         FROM project p`,
      )
      return row
    }
    let [calls, deleted] = [0, 0]
    for (let done = false; !done; calls++) {
      const outcome = await deleteRepository(tables.database, asked, 20)
      deleted += outcome.deletedArtifacts
      done = outcome.done
      const { left, used, told } = (await found()) ?? { left: 0, used: 0, told: 0 }
      expect([left, used, told]).toEqual([MANY - deleted, left * 10 + (left > 0 ? 5 : 0), deleted])
      expect(calls).toBeLessThan(200)
    }
    expect(calls).toBeGreaterThan(3)
    expect(deleted).toBe(MANY)
    const rest = await tables.sql<{ rest: number }>(
      `SELECT count(*)::int AS rest FROM (SELECT 1 FROM tag UNION ALL SELECT 1 FROM manifest_child
         UNION ALL SELECT 1 FROM manifest_blob UNION ALL SELECT 1 FROM project_blob) r`,
    )
    expect(rest).toEqual([{ rest: 0 }])
    expect(await tables.sql('SELECT listed FROM repository')).toEqual([{ listed: false }])
    expect(await tables.sql('SELECT count(*)::int AS blobs FROM blob')).toEqual([{ blobs: MANY + 1 }])
  })
})
