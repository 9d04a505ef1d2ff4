import { type Database, statement } from '@berth/db'
import type { projectTally, RequestOf, ResponseOf } from '@berth/types'

interface TallyRow {
  id: number
  used: number
  repositories: number
  pulls: number
  artifacts: { kind: string; count: number }[] | null
}

// A kind may come from a media type a client made up, so only so many of them are told.
const tally = statement<TallyRow>(
  'project-tally',
  `SELECT p.id, p.used, held.repositories, held.pulls, kinds.artifacts
   FROM project p
   CROSS JOIN LATERAL (
     SELECT count(*) AS repositories, coalesce(sum(r.pull_count), 0)::bigint AS pulls
     FROM repository r WHERE r.project_id = p.id AND r.listed
   ) held
   CROSS JOIN LATERAL (
     SELECT json_agg(json_build_object('kind', top.kind, 'count', top.count)) AS artifacts FROM (
       SELECT m.kind, count(*) AS count FROM manifest m JOIN repository r ON r.id = m.repository_id
       WHERE r.project_id = p.id AND r.listed GROUP BY m.kind ORDER BY count(*) DESC, m.kind LIMIT 20
     ) top
   ) kinds
   WHERE p.id = ANY($1) AND p.state IN ('open', 'deleting') ORDER BY p.id`,
)

/** Counts every artifact of these projects: for who asks now and then, not for each page of a list. */
export async function tallyProjects(
  database: Database,
  { ids }: RequestOf<typeof projectTally>,
): Promise<ResponseOf<typeof projectTally>> {
  const rows = await database.run(tally, [ids])
  return {
    projects: rows.map(({ id, used, repositories, pulls, artifacts }) => ({
      id,
      usedBytes: used,
      repositories,
      pulls,
      artifacts: artifacts ?? [],
    })),
  }
}
