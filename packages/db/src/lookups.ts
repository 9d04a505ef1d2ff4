import { Unavailable } from '@berth/errors'
import { type Queries, type Statement, statement } from './database.ts'

/** As many statements of one kind are under way at a time; whoever comes meanwhile goes with the next. */
const MAX_UNDER_WAY = 2
const MAX_TOGETHER = 200

/** Finds the row of these values, if any. */
export type Lookup<Row> = (values: readonly unknown[]) => Promise<Row | undefined>

interface Waiting<Row> {
  values: readonly unknown[]
  resolve: (row: Row | undefined) => void
  reject: (err: unknown) => void
}

/**
 * A statement that finds at most one row, asked so often that the round trips cost more than the answers: those wanted
 * while two are under way go to Postgres in one statement together. Every one is asked after it was wanted, so an
 * answer is never older than the question. `types` are those of `$1`, `$2`, …; each row also has its number as `lookup`.
 */
export function lookup<Row>(queries: Queries, one: Statement<Row>, types: readonly string[]): Lookup<Row> {
  const many = forMany(one, types)
  const waiting: Waiting<Row>[] = []
  let underWay = 0

  function proceed(): void {
    if (underWay >= MAX_UNDER_WAY || waiting.length === 0) return
    const together = waiting.splice(0, MAX_TOGETHER)
    underWay++
    void ask(together).finally(() => {
      underWay--
      proceed()
    })
  }

  async function ask(together: Waiting<Row>[]): Promise<void> {
    const [first] = together
    if (together.length === 1 && first) return alone(first)
    try {
      const columns = types.map((_, at) => together.map(({ values }) => values[at]))
      const rows = await queries.run(many, columns)
      const found = new Map(rows.map((row) => [row.lookup, row]))
      for (const [at, { resolve }] of together.entries()) resolve(found.get(at + 1))
    } catch (err) {
      if (err instanceof Unavailable) for (const { reject } of together) reject(err)
      // What is wrong with one is not the fault of the others.
      else await Promise.all(together.map(alone))
    }
  }

  async function alone({ values, resolve, reject }: Waiting<Row>): Promise<void> {
    await queries.find(one, values).then(resolve, reject)
  }

  return (values) =>
    new Promise((resolve, reject) => {
      waiting.push({ values, resolve, reject })
      proceed()
    })
}

function forMany<Row>({ name, text }: Statement<Row>, types: readonly string[]): Statement<Row & { lookup: number }> {
  const columns = types.map((_, at) => `v${at + 1}`).join(', ')
  const arrays = types.map((type, at) => `$${at + 1}::${type}[]`).join(', ')
  const body = text.replaceAll(/\$(\d+)/g, (_, number: string) => `asked.v${number}`)
  return statement(
    `${name}-together`,
    `SELECT asked.lookup, found.* FROM unnest(${arrays}) WITH ORDINALITY AS asked(${columns}, lookup)
     CROSS JOIN LATERAL (${body}) AS found`,
  )
}
