import { type Database, statement } from '@berth/db'
import type { CommandFinding } from '@berth/types'

const begin = statement<{ id: number; finished_at: Date | null; options: string; is_new: boolean }>(
  'adoption-begin',
  `INSERT INTO adoption (source, options) VALUES ($1, $2)
   ON CONFLICT (source) DO UPDATE SET source = EXCLUDED.source RETURNING id, finished_at, options, xmax = 0 AS is_new`,
)
const restart = statement(
  'adoption-restart',
  'UPDATE adoption SET options = $2, started_at = now(), finished_at = NULL WHERE id = $1',
)
const forget = statement('adoption-forget', 'DELETE FROM adoption_repository WHERE adoption_id = $1')
const forgetFindings = statement('adoption-forget-findings', 'DELETE FROM adoption_finding WHERE adoption_id = $1')
const note = statement(
  'adoption-note',
  `INSERT INTO adoption_repository (adoption_id, source_name) SELECT $1::bigint, unnest($2::text[]) ON CONFLICT DO NOTHING`,
)
const count = statement<{ total: number; done: number }>(
  'adoption-count',
  'SELECT count(*) AS total, count(done_at) AS done FROM adoption_repository WHERE adoption_id = $1',
)
const projects = statement<{ project: string }>(
  'adoption-projects',
  `SELECT DISTINCT split_part(source_name, '/', 1) AS project FROM adoption_repository
   WHERE adoption_id = $1 AND done_at IS NULL AND source_name LIKE '%/%'`,
)
const next = statement<{ source_name: string }>(
  'adoption-next',
  `SELECT source_name FROM adoption_repository
   WHERE adoption_id = $1 AND done_at IS NULL AND source_name > $2 ORDER BY source_name LIMIT $3`,
)
const forgetFindingsOf = statement(
  'adoption-forget-findings-of',
  'DELETE FROM adoption_finding WHERE adoption_id = $1 AND source_name = $2',
)
const addFindings = statement(
  'adoption-add-findings',
  `INSERT INTO adoption_finding (adoption_id, source_name, what, name, why)
   SELECT $1::bigint, $2::text, f.what, f.name, f.why FROM unnest($3::text[], $4::text[], $5::text[]) AS f (what, name, why)`,
)
const end = statement(
  'adoption-repository-done',
  `UPDATE adoption_repository SET done_at = now(), manifests = $3, tags = $4, untagged = $5
   WHERE adoption_id = $1 AND source_name = $2`,
)
const finish = statement('adoption-finish', 'UPDATE adoption SET finished_at = now() WHERE id = $1')
const sums = statement<{ repositories: number; manifests: number; tags: number; untagged: number }>(
  'adoption-sums',
  `SELECT count(*) FILTER (WHERE manifests > 0) AS repositories, coalesce(sum(manifests), 0)::bigint AS manifests,
     coalesce(sum(tags), 0)::bigint AS tags, coalesce(sum(untagged), 0)::bigint AS untagged
   FROM adoption_repository WHERE adoption_id = $1`,
)
const blobs = statement<{ blobs: number; bytes: number }>(
  'adoption-blobs',
  `SELECT count(*) AS blobs, coalesce(sum(size), 0)::bigint AS bytes FROM blob
   WHERE storage_key >= $1 AND storage_key < $2`,
)
const countFindings = statement<{ what: string; count: number }>(
  'adoption-count-findings',
  'SELECT what, count(*) AS count FROM adoption_finding WHERE adoption_id = $1 GROUP BY what',
)
const listFindings = statement<{ source_name: string; what: string; name: string; why: string }>(
  'adoption-list-findings',
  `SELECT source_name, what, name, why FROM adoption_finding WHERE adoption_id = $1 ORDER BY source_name, id LIMIT $2`,
)

export interface RepositoryOutcome {
  /** Of the storage that are in the tables now. */
  manifests: number
  tags: number
  /** Kept although no tag is known for them. */
  untagged: number
}

/** How far the taking over of one storage has come: rows, so that the next start goes on from there. */
export interface AdoptionStore {
  /** Its number; what another set of options has done, and what was finished, is forgotten and done again. */
  begin(source: string, options: string): Promise<{ id: number; isNew: boolean }>
  note(id: number, sourceNames: readonly string[]): Promise<void>
  count(id: number): Promise<{ total: number; done: number }>
  /** First parts of the names that are still to be done; of those that have two. */
  projects(id: number): Promise<string[]>
  /** Names not done yet after `last`, in byte order. */
  next(id: number, last: string, limit: number): Promise<string[]>
  beginRepository(id: number, sourceName: string): Promise<void>
  addFindings(id: number, sourceName: string, findings: readonly CommandFinding[]): Promise<void>
  endRepository(id: number, sourceName: string, outcome: RepositoryOutcome): Promise<void>
  finish(id: number): Promise<void>
  sums(id: number): Promise<RepositoryOutcome & { repositories: number }>
  /** Blobs that are read from the storage, by what its keys begin with. */
  blobs(keyPrefix: string): Promise<{ blobs: number; bytes: number }>
  countFindings(id: number): Promise<Map<string, number>>
  listFindings(id: number, limit: number): Promise<CommandFinding[]>
}

export function adoptionStore(database: Database): AdoptionStore {
  return {
    begin: (source, options) =>
      database.transaction(async (tx) => {
        const [row] = await tx.run(begin, [source, options])
        const id = row?.id ?? 0
        if (row !== undefined && (row.finished_at !== null || row.options !== options)) {
          await tx.run(forget, [id])
          await tx.run(forgetFindings, [id])
          await tx.run(restart, [id, options])
        }
        return { id, isNew: row?.is_new ?? true }
      }),
    note: async (id, names) => void (await database.run(note, [id, names])),
    count: async (id) => (await database.find(count, [id])) ?? { total: 0, done: 0 },
    projects: async (id) => (await database.run(projects, [id])).map((row) => row.project),
    next: async (id, last, limit) => (await database.run(next, [id, last, limit])).map((row) => row.source_name),
    beginRepository: async (id, name) => void (await database.run(forgetFindingsOf, [id, name])),
    async addFindings(id, name, findings) {
      if (findings.length === 0) return
      const column = (of: (finding: CommandFinding) => string) => findings.map(of)
      await database.run(addFindings, [
        id,
        name,
        column((one) => one.what),
        column((one) => one.name),
        column((one) => one.why),
      ])
    },
    endRepository: async (id, name, { manifests, tags, untagged }) =>
      void (await database.run(end, [id, name, manifests, tags, untagged])),
    finish: async (id) => void (await database.run(finish, [id])),
    sums: async (id) => (await database.find(sums, [id])) ?? { repositories: 0, manifests: 0, tags: 0, untagged: 0 },
    // '0' is the sign after '/', so that the two enclose what begins with the prefix.
    blobs: async (prefix) => (await database.find(blobs, [`${prefix}/`, `${prefix}0`])) ?? { blobs: 0, bytes: 0 },
    countFindings: async (id) => new Map((await database.run(countFindings, [id])).map((row) => [row.what, row.count])),
    listFindings: async (id, limit) =>
      (await database.run(listFindings, [id, limit])).map((row) => ({
        what: row.what,
        name: row.name === '' ? row.source_name : `${row.source_name} ${row.name}`,
        why: row.why,
      })),
  }
}
