import { DomainError, Unavailable } from '@berth/errors'
import type { JudgedProject } from '@berth/types'
import type { Caller } from '../caller/caller.ts'
import type { Entered, ProjectDoor } from '../project/index.ts'
import { type RepositoryPath, wholeName } from './content-path.ts'

/** Below what the gateway waits for an answer. */
const LONG_WORK_MS = 240_000

/** What an ask about a repository carries. */
export interface JudgedRepository {
  project: JudgedProject
  repository: string
}

export interface Judge {
  /**
   * Does `work` in a repository where the caller may do this.
   *
   * @throws {Unauthorized | Forbidden} not allowed, or no such project
   * @throws {NotFound} no such project, and the caller is an administrator; or no repository can have this name
   */
  inRepository<T>(
    caller: Caller,
    path: RepositoryPath,
    right: Right,
    work: (asked: JudgedRepository, entered: Entered) => Promise<T>,
  ): Promise<T>
}

export type Right = readonly [resource: string, action: string]

export function createJudge(door: ProjectDoor): Judge {
  return {
    inRepository: (caller, path, [resource, action], work) =>
      judged(
        async () => [await door.enter(caller, { name: path.project }, resource, action)] as const,
        ([entered]) => work({ project: judgedProject(entered), repository: wholeName(path) }, entered),
      ),
  }
}

/** A project as an ask names it: by what it was judged by. */
export function judgedProject({ project }: Entered): JudgedProject {
  return { id: project.id, accessRevision: project.accessRevision }
}

/**
 * Lets the caller in and works. The registry refuses what was judged by an older access revision than it knows: where
 * access has changed in between, both are done once more.
 */
export async function judged<E extends readonly Entered[], T>(
  enter: () => Promise<E>,
  work: (entered: E) => Promise<T>,
): Promise<T> {
  const entered = await enter()
  try {
    return await work(entered)
  } catch (err) {
    if (!hasCode(err, 'PRECONDITION')) throw err
    const again = await enter()
    const isSame = again.every(({ project }, n) => project.accessRevision === entered[n]?.project.accessRevision)
    if (isSame) throw err
    return work(again)
  }
}

/**
 * Asks again until it is done, each turn some seconds of it.
 *
 * @throws {Unavailable} it takes minutes; what is done stays, and the same request goes on with it
 */
export async function untilDone<T extends { done: boolean }>(turn: (number: number) => Promise<T>): Promise<T> {
  const until = performance.now() + LONG_WORK_MS
  for (let number = 0; ; number++) {
    const answer = await turn(number)
    if (answer.done) return answer
    if (performance.now() > until) throw new Unavailable('it is done in part: ask again to go on with it')
  }
}

export function hasCode(err: unknown, code: DomainError['code']): boolean {
  return err instanceof DomainError && err.code === code
}
