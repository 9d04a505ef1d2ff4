import { type Database, statement } from '@berth/db'
import { Conflict } from '@berth/errors'
import { findRepositoryName } from '@berth/oci'
import type { CommandFinding, CommandProgress, CommandReport } from '@berth/types'
import { alone } from '../chore/index.ts'
import { Stopped } from '../commands/command.ts'
import { NotAdoptable, type Place } from './adopt-manifest.ts'
import { adoptRepository } from './adopt-repository.ts'
import { type AdoptionStore, adoptionStore } from './adoption-store.ts'
import { inGroups } from './in-parallel.ts'
import { repositoriesIn } from './layout.ts'
import { reportOf } from './report.ts'
import type { AdoptSource } from './source.ts'
import type { TagSource } from './tag-source.ts'

const GROUP = 500

const listOpen = statement<{ name: string }>(
  'adopt-known-projects',
  `SELECT name FROM project WHERE name = ANY($1) AND state IN ('open', 'deleting')`,
)

export interface AdoptOptions {
  database: Database
  source: AdoptSource
  tags?: TagSource
  /** Blobs are read and hashed, not only measured. */
  verify: boolean
  /** Where repositories go whose name has one part only; absent: nowhere. */
  project?: string
  say: (progress: CommandProgress) => void
  signal: AbortSignal
}

/**
 * Takes over the storage of another registry where it stands: rows are made, no byte is moved. What was done is noted
 * repository by repository, so the next start goes on; a finished one begins anew and finds what has come since.
 * Projects that are not there are named in the report, and nothing else is done.
 *
 * @throws {Conflict} another one is running
 * @throws {Stopped} told to stop
 */
export async function adopt(options: AdoptOptions): Promise<CommandReport> {
  let report: CommandReport | undefined
  const isDone = await alone(options.database, 'adopt', async () => {
    report = await adoptAlone(options)
  })
  if (!isDone || report === undefined) throw new Conflict('another adoption is running')
  return report
}

async function adoptAlone(options: AdoptOptions): Promise<CommandReport> {
  const { database, source, tags, verify, project, say, signal } = options
  const store = adoptionStore(database)
  const { id, isNew } = await store.begin(source.name, JSON.stringify({ tags: tags?.name, verify, project }))
  await survey(store, id, options)
  const missing = await missingProjects(options, store, id)
  if (missing.length > 0) return { figures: {}, findings: [], remarks: [], missingProjects: missing }

  const counts = { manifests: 0, tags: 0, blobs: 0, ...(verify && { readBytes: 0 }) }
  const tally = await store.count(id)
  let last = ''
  for (;;) {
    const names = await store.next(id, last, 100)
    if (names.length === 0) break
    for (const sourceName of names) {
      if (signal.aborted) throw new Stopped()
      const speak = () => say({ step: `adopting ${sourceName}`, ...tally, unit: 'repositories', counts: { ...counts } })
      speak()
      await store.beginRepository(id, sourceName)
      const outcome = await takeOver({ ...options, recheck: !isNew }, store, id, sourceName, (what, by) => {
        counts[what] = (counts[what] ?? 0) + by
        speak()
      })
      await store.endRepository(id, sourceName, outcome)
      tally.done++
      last = sourceName
    }
  }
  await store.finish(id)
  return reportOf(store, id, source, tags)
}

async function survey(store: AdoptionStore, id: number, { source, say, signal }: AdoptOptions): Promise<void> {
  let found = 0
  for await (const names of inGroups(repositoriesIn(source), GROUP)) {
    if (signal.aborted) throw new Stopped()
    await store.note(id, names)
    found += names.length
    say({ step: `looking through ${source.name}`, done: found, unit: 'repositories', counts: {} })
  }
}

/** Of names that are no names of repositories nothing is asked. */
async function missingProjects(
  { database, project }: AdoptOptions,
  store: AdoptionStore,
  id: number,
): Promise<string[]> {
  const wanted = new Set((await store.projects(id)).filter((name) => findRepositoryName(`${name}/x`) !== undefined))
  if (project !== undefined) wanted.add(project)
  const known = new Set((await database.run(listOpen, [[...wanted]])).map(({ name }) => name))
  return [...wanted].filter((name) => !known.has(name)).sort()
}

async function takeOver(
  { database, source, tags, verify, recheck, project, signal }: AdoptOptions & { recheck: boolean },
  store: AdoptionStore,
  id: number,
  sourceName: string,
  onCount: (what: 'manifests' | 'tags' | 'blobs' | 'readBytes', by: number) => void,
) {
  const onFindings = (findings: readonly CommandFinding[]) => store.addFindings(id, sourceName, findings)
  const skip = async (why: string) => {
    await onFindings([{ what: 'repository', name: '', why }])
    return { manifests: 0, tags: 0, untagged: 0 }
  }
  const place = placeOf(sourceName, project)
  if (place === undefined) {
    return skip(sourceName.includes('/') ? 'its name is not one of a repository' : 'its name has no project in front')
  }
  try {
    return await adoptRepository(
      { database, source, tags, verify, recheck, signal, onCount, onFindings },
      sourceName,
      place,
    )
  } catch (err) {
    if (err instanceof NotAdoptable) return skip(err.message)
    throw err
  }
}

function placeOf(sourceName: string, project: string | undefined): Place | undefined {
  const whole = sourceName.includes('/') || project === undefined ? sourceName : `${project}/${sourceName}`
  const name = findRepositoryName(whole)
  return name?.includes('/') ? { project: name.slice(0, name.indexOf('/')), name } : undefined
}
