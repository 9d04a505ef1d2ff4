import type { Database, Page } from '@berth/db'
import type { Bus } from '@berth/messaging'
import {
  type AccessoryFacts,
  type ArtifactFacts,
  accessoryList,
  artifactCopy,
  artifactDelete,
  artifactGet,
  artifactSearch,
  type RequestOf,
} from '@berth/types'
import { actorOf, type Caller } from '../caller/caller.ts'
import { type Label, labelStore } from '../label/index.ts'
import type { ProjectDoor, ProjectRef } from '../project/index.ts'
import { type ArtifactPath, knownReference, type RepositoryPath, wholeName } from './content-path.ts'
import { hasCode, type Judge, judged, judgedProject, untilDone } from './judge.ts'
import { askPage, type Listed, type ListWords } from './list-pages.ts'

type Labels = ReadonlyMap<number, Label>

export interface ListedArtifacts extends Listed<ArtifactFacts> {
  /** Those the artifacts carry, if they were asked for. */
  labels: Labels
}

interface ArtifactWords extends ListWords {
  withLabels: boolean
  withInherited: boolean
}

/** The use cases of artifacts; each decides whether its caller may, and the registry does it. */
export interface Artifacts {
  list(caller: Caller, path: RepositoryPath, words: ArtifactWords, page: Page): Promise<ListedArtifacts>
  /** Of a whole project; with `latest` of each repository only what was pushed last. */
  listOfProject(
    caller: Caller,
    ref: ProjectRef,
    words: ArtifactWords & { latest: boolean },
    page: Page,
  ): Promise<ListedArtifacts>
  get(caller: Caller, path: ArtifactPath, withLabels: boolean): Promise<{ artifact: ArtifactFacts; labels: Labels }>
  accessories(
    caller: Caller,
    path: ArtifactPath,
    words: ListWords,
    page: Page,
  ): Promise<Listed<AccessoryFacts> & { repository: string }>
  /** With its tags and accessories. */
  delete(caller: Caller, path: ArtifactPath): Promise<void>
  /** Answers the digest of what has been copied. */
  copy(caller: Caller, from: ArtifactPath, to: RepositoryPath): Promise<string>
}

const NO_LABELS: Labels = new Map()

export function createArtifacts(deps: {
  database: Database
  bus: Pick<Bus, 'ask'>
  door: ProjectDoor
  judge: Judge
}): Artifacts {
  const { database, bus, door, judge } = deps

  /** Verdicts of scanners are shown by nobody yet. */
  function search(
    asked: Pick<RequestOf<typeof artifactSearch>, 'project' | 'repository'>,
    { q, sort, withInherited, latest = false }: Omit<ArtifactWords, 'withLabels'> & { latest?: boolean },
    page: Page,
  ) {
    return askPage(
      page,
      ({ id }: ArtifactFacts) => id,
      async (part) => {
        const request = { ...asked, q, sort, latestInRepository: latest, brief: !withInherited, ...part }
        const { artifacts: rows, ...more } = await bus.ask(artifactSearch, request)
        return { rows, ...more }
      },
    )
  }

  /** What they carry: one statement, however many they are. The labels of other projects are nobody's to see here. */
  async function labelsOf(artifacts: readonly ArtifactFacts[], projectId: number): Promise<Labels> {
    const ids = new Set(artifacts.flatMap(({ labels }) => labels))
    const found = await labelStore.byIds(database, [...ids])
    const usable = found.filter((label) => label.projectId === undefined || label.projectId === projectId)
    return new Map(usable.map((label) => [label.id, label]))
  }

  async function withLabels(listed: Listed<ArtifactFacts>, wanted: boolean, projectId: number) {
    return { ...listed, labels: wanted ? await labelsOf(listed.rows, projectId) : NO_LABELS }
  }

  return {
    list: (caller, path, { withLabels: wanted, ...words }, page) =>
      judge.inRepository(caller, path, ['artifact', 'list'], async (asked, { project }) =>
        withLabels(await search(asked, words, page), wanted, project.id),
      ),

    listOfProject: (caller, ref, { withLabels: wanted, ...words }, page) =>
      judged(
        async () => [await door.enter(caller, ref, 'artifact', 'list')] as const,
        async ([entered]) => {
          const asked = { project: judgedProject(entered) }
          const listed = await search(asked, words, page).catch(nothingYet)
          return withLabels(listed, wanted, entered.project.id)
        },
      ),

    get: (caller, path, wanted) =>
      judge.inRepository(caller, path, ['artifact', 'read'], async (asked, { project }) => {
        const { artifact } = await bus.ask(artifactGet, { ...asked, reference: knownReference(path) })
        return { artifact, labels: wanted ? await labelsOf([artifact], project.id) : NO_LABELS }
      }),

    accessories: (caller, path, words, page) =>
      judge.inRepository(caller, path, ['accessory', 'list'], async (asked) => {
        const reference = knownReference(path)
        const listed = await askPage(
          page,
          ({ artifactId }: AccessoryFacts) => artifactId,
          async (part) => {
            const request = { ...asked, reference, ...words, page: part.page, pageSize: part.pageSize }
            const { accessories: rows, total } = await bus.ask(accessoryList, request)
            return { rows, total }
          },
        )
        return { ...listed, repository: asked.repository }
      }),

    delete: (caller, path) =>
      judge.inRepository(caller, path, ['artifact', 'delete'], async (asked) => {
        await bus.ask(artifactDelete, { ...asked, reference: knownReference(path), actor: actorOf(caller) })
      }),

    async copy(caller, from, to) {
      const turn = () =>
        judged(
          async () =>
            [
              await door.enter(caller, { name: to.project }, 'artifact', 'create'),
              await door.enter(caller, { name: from.project }, 'artifact', 'read'),
            ] as const,
          ([target, source]) =>
            bus.ask(artifactCopy, {
              from: { project: judgedProject(source), repository: wholeName(from), reference: from.reference },
              to: { project: judgedProject(target), repository: wholeName(to) },
              actor: actorOf(caller),
            }),
        )
      const { digest } = await untilDone(turn)
      return digest
    },
  }
}

/** A project nothing was ever pushed to, which the registry has not heard of. */
function nothingYet(err: unknown): Listed<ArtifactFacts> {
  if (hasCode(err, 'NOT_FOUND')) return { rows: [], total: 0 }
  throw err
}
