import type { Ask, RequestOf, ResponseOf } from '@berth/types'
import { type ImmutabilityRule, NO_POLICY, projectPut, type RegistryProject } from '@berth/types'
import { RegistryClient } from './registry-client.ts'
import { openWorld, type Replica, testProject, type World } from './test-world.ts'

/** One repository of a project of its own, as a pusher and as core see it. */
export interface JudgedRoom {
  project: RegistryProject
  /** `project-101/app` */
  repository: string
  client: RegistryClient
  /** What core puts into every ask about it. */
  asked: { project: { id: number; accessRevision: number }; repository: string }
}

/** A world with one replica, in which core asks. */
export interface JudgedWorld {
  world: World
  replica: Replica
  /** Asks as core does; what has a default may be left out. */
  ask<A extends Ask>(ask: A, request: object): Promise<ResponseOf<A>>
  newRoom(over?: Partial<RegistryProject>, name?: string): Promise<JudgedRoom>
  /** Another repository of the same project. */
  roomIn(room: JudgedRoom, name: string): JudgedRoom
  put(project: RegistryProject): Promise<void>
}

export async function openJudgedWorld(): Promise<JudgedWorld> {
  const world = await openWorld()
  const replica = await world.startReplica()
  let lastId = 100

  const room = (project: RegistryProject, name: string): JudgedRoom => {
    const repository = `${project.name}/${name}`
    const of = { project: project.id, rev: project.accessRevision }
    const token = world.tokenFor(repository, undefined, of)
    return {
      project,
      repository,
      client: new RegistryClient(replica.url, repository, `Bearer ${token}`),
      asked: { project: { id: project.id, accessRevision: project.accessRevision }, repository },
    }
  }
  const put = async (project: RegistryProject) => void (await world.bus.ask(projectPut, { project }))
  return {
    world,
    replica,
    ask: <A extends Ask>(ask: A, request: object) =>
      world.bus.ask(ask, request as RequestOf<A>) as Promise<ResponseOf<A>>,
    put,
    async newRoom(over = {}, name = 'app') {
      const id = ++lastId
      const project = testProject({ id, name: `project-${id}`, ...over })
      await put(project)
      return room(project, name)
    },
    roomIn: ({ project }, name) => room(project, name),
  }
}

/** A policy by which tags of this pattern stay what they are. */
export function keeps(pattern: string): RegistryProject['policy'] {
  const rule: ImmutabilityRule = { repositories: [], tags: [{ pattern, excludes: false }] }
  return { ...NO_POLICY, immutabilityRules: [rule] }
}
