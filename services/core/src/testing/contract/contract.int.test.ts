import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../harness.ts'
import { type Answer, ask } from './ask.ts'
import { CONTENT_EXAMPLES } from './content-examples.ts'
import { callOf, type MakeExample } from './example.ts'
import { failureOf } from './failing.ts'
import { OUT_OF_REACH } from './failures.ts'
import { PROJECT_EXAMPLES } from './project-examples.ts'
import { SYSTEM_EXAMPLES } from './system-examples.ts'
import { CALLERS, type CallerName, declaredOperations, readTables } from './table.ts'
import { openWorld, type World } from './world.ts'

const EXAMPLES: Record<string, MakeExample> = { ...CONTENT_EXAMPLES, ...PROJECT_EXAMPLES, ...SYSTEM_EXAMPLES }
const OPERATIONS = 94

const { private: table, public: opened } = readTables()
const declared = declaredOperations()
const told = { cells: 0, successes: 0, failures: 0, outOfReach: 0 }

let surroundings: Surroundings
let core: RunningCore
let world: World

beforeAll(async () => {
  surroundings = await openSurroundings()
  world = await openWorld(surroundings)
  core = world.core
})
afterAll(async () => {
  process.stdout.write(
    `contract: ${told.cells} cells checked, ${told.successes} of them answers held to the document; ` +
      `${told.failures} declared failures reached, ${told.outOfReach} out of reach\n`,
  )
  await world?.stop()
  await surroundings?.stop()
}, 30_000)

const exampleOf = (operation: string): MakeExample => {
  const make = EXAMPLES[operation]
  if (!make) throw new Error(`there is no example of ${operation}`)
  return make
}

/** A failure has the one body failures have, and says nothing it should not. */
function expectFailure(answer: Answer, status: number, what: string): void {
  expect(answer.status, `${what}: ${answer.text}`).toBe(status)
  expect(answer.headers.get('x-request-id'), what).toBeTruthy()
  if (what.startsWith('HEAD ')) return
  // As in Harbor: those who could not be imported.
  const isList = what === 'POST /ldap/users/import 404'
  const error = expect.objectContaining({ code: expect.stringMatching(/^[A-Z_]+$/), message: expect.any(String) })
  expect(answer.body, what).toEqual(isList ? [expect.anything()] : { errors: [error] })
  expect(answer.text).not.toMatch(/at .*\.(?:ts|js):\d|node_modules|SELECT |relation "/)
}

describe('the table of the contract', () => {
  it('has each operation of the document once', () => {
    expect(table.map(({ operation }) => operation).toSorted()).toEqual([...declared.keys()].toSorted())
    expect(table.length).toBe(OPERATIONS)
    expect(Object.keys(EXAMPLES).toSorted()).toEqual([...declared.keys()].toSorted())
  })

  it('names as out of reach only what the document declares', () => {
    const known = [...declared].flatMap(([operation, { failures }]) => failures.map((one) => `${one} ${operation}`))
    expect(Object.keys(OUT_OF_REACH).filter((failure) => !known.includes(failure))).toEqual([])
  })
})

/** Asks an operation as these callers; what each saw must be what is said. */
async function expectCells(operation: string, callers: readonly CallerName[], statuses: readonly number[]) {
  const seen: number[] = []
  const answers: string[] = []
  for (const [index, caller] of callers.entries()) {
    const example = await exampleOf(operation)(world, { caller, works: (statuses[index] ?? 0) < 400 })
    const { on = core.url } = example
    const answer = await ask(on, { as: world.credentials[caller], ...defined(callOf(operation, example)) })
    seen.push(answer.status)
    const because = answer.status < 500 ? '' : ` ${String(core.errors.at(-1)?.fields?.err)}`
    answers.push(`${caller}: ${answer.status} ${answer.text.slice(0, 300)}${because}`)
    told.cells += 1
    if (answer.status < 400) told.successes += 1
    else if (answer.status === statuses[index]) expectFailure(answer, answer.status, `${operation} as ${caller}`)
  }
  expect(seen, answers.join('\n')).toEqual(statuses)
}

describe('each operation answers each caller as the table says', () => {
  it.each(table)('$operation', ({ operation, statuses }) => expectCells(operation, CALLERS, statuses))
})

describe('while the project is public', () => {
  const isPublic = async (value: boolean) => {
    const body = { metadata: { public: String(value) } }
    await world.must(200, { method: 'PUT', path: `/projects/${world.project.id}`, body })
  }
  beforeAll(() => isPublic(true))
  afterAll(() => isPublic(false))

  it.each(table.filter(({ operation }) => /[{]project_name|labels/.test(operation)))(
    '$operation answers who has no role as the table says',
    async ({ operation, statuses }) => {
      const other = opened.find((row) => row.operation === operation)
      await expectCells(operation, CALLERS.slice(0, 2), other?.statuses ?? statuses.slice(0, 2))
    },
  )
})

describe('each failure the document declares is reached', () => {
  const cases = [...declared].flatMap(([operation, { failures }]) =>
    failures.filter((status) => status < 500).map((status) => ({ operation, status })),
  )

  it.each(cases)('$status $operation', async ({ operation, status }) => {
    if (`${status} ${operation}` in OUT_OF_REACH) {
      told.outOfReach += 1
      return expect(OUT_OF_REACH[`${status} ${operation}`]).not.toBe('')
    }
    const row = table.find((one) => one.operation === operation)
    const column = row?.statuses.lastIndexOf(status) ?? -1
    const caller = CALLERS[column]
    const facts = declared.get(operation)
    const fails = caller === undefined && facts ? failureOf(operation, status, facts) : undefined
    if (caller === undefined && !fails) throw new Error(`nothing makes ${operation} fail with ${status}`)
    const example = await exampleOf(operation)(world, { caller: caller ?? 'admin', works: caller === undefined })
    const more = (await fails?.(world, example, operation)) ?? {}
    const as = 'caller' in more ? world.credentials[more.caller as 'admin'] : world.credentials[caller ?? 'admin']
    const { on = core.url, ...failing } = { ...example, ...more }
    const answer = await ask(on, { as, ...defined(callOf(operation, failing)) })
    expectFailure(answer, status, `${operation} ${status}`)
    told.failures += 1
  })
})

describe('without its database', () => {
  let broken: RunningCore
  beforeAll(async () => {
    broken = await surroundings.startCore()
    const client = new pg.Client({ connectionString: broken.databaseUrl })
    await client.connect()
    await client.query('ALTER SCHEMA core RENAME TO elsewhere')
    await client.end()
  })
  afterAll(() => broken?.stop())

  const fails = [...declared].flatMap(([operation, { failures }]) => (failures.includes(500) ? [operation] : []))

  it.each(fails)('%s fails, closed and without a word of why', async (operation) => {
    if (`500 ${operation}` in OUT_OF_REACH) {
      told.outOfReach += 1
      return expect((await ask(broken.url, callOf(operation, {}))).status).toBe(200)
    }
    const path = Object.fromEntries([...operation.matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => [name, '1']))
    const answer = await ask(broken.url, { ...callOf(operation, { path }), as: `admin:${ADMIN_PASSWORD}` })
    expectFailure(answer, 500, operation)
    if (!operation.startsWith('HEAD ')) {
      expect(answer.body).toMatchObject({ errors: [{ code: 'UNKNOWN', message: 'internal server error' }] })
    }
    told.failures += 1
  })
})

/** Without what is undefined, so that spreading it hides nothing. */
function defined<T extends object>(call: T): T {
  return Object.fromEntries(Object.entries(call).filter(([, value]) => value !== undefined)) as T
}
