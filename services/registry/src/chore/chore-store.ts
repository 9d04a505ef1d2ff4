import { type Database, type Queries, statement } from '@berth/db'

const take = statement<{ cursor: string }>(
  'chore-take',
  `INSERT INTO chore (name) VALUES ($1)
   ON CONFLICT (name) DO UPDATE SET
     cursor = CASE WHEN chore.done_at IS NULL THEN chore.cursor ELSE '' END,
     began_at = CASE WHEN chore.done_at IS NULL THEN chore.began_at ELSE now() END,
     done_at = NULL
   WHERE chore.done_at IS NULL OR chore.began_at <= now() - $2 * interval '1 ms'
   RETURNING cursor`,
)
const keep = statement('chore-keep', 'UPDATE chore SET cursor = $2 WHERE name = $1')
const finish = statement('chore-finish', 'UPDATE chore SET done_at = now() WHERE name = $1')

/** What is done in rounds that begin so often, and can be broken off and gone on with. */
export interface Chore {
  /** Where the round that is due goes on, `''` at its start; `undefined` when none is due. */
  take(everyMs: number): Promise<string | undefined>
  keep(cursor: string, queries?: Queries): Promise<void>
  finish(): Promise<void>
}

export function choreOf(database: Database, name: string): Chore {
  return {
    take: async (everyMs) => (await database.find(take, [name, everyMs]))?.cursor,
    keep: async (cursor, queries = database) => void (await queries.run(keep, [name, cursor])),
    finish: async () => void (await database.run(finish, [name])),
  }
}
