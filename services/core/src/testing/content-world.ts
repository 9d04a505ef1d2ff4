import { expect } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from './harness.ts'
import { person } from './person.ts'
import type { RegistryDouble } from './registry-double.ts'

/** For tests of what the registry owns: two projects, somebody in each role of the first, and a stranger. */
export interface ContentWorld {
  surroundings: Surroundings
  core: RunningCore
  content: RegistryDouble
  /** `closed` is private, `open` is public and of nobody else. */
  projects: { closed: number; open: number }
  /** What the registry was asked since this was last called, but for the figures core asks for by itself. */
  takeAsked(): string[]
  stop(): Promise<void>
}

const ROLES = { owner: 1, developer: 2, guest: 3, maintainer: 4, limited: 5 } as const

/** Credentials of the administrator. */
export const ADMIN = `admin:${ADMIN_PASSWORD}`
/** Credentials of one of the others: `owner`, `maintainer`, `developer`, `guest`, `limited`, `stranger`. */
export const as = (name: keyof typeof ROLES | 'stranger') => `${name}:Password1`

export async function openContentWorld(): Promise<ContentWorld> {
  const surroundings = await openSurroundings()
  const core = await surroundings.startCore()
  const make = async (path: string, body: object): Promise<number> => {
    const made = await core.post(path, { as: ADMIN, body })
    expect(made.status, made.text).toBe(201)
    return Number(made.headers.get('location')?.split('/').at(-1))
  }
  const projects = {
    closed: await make('/projects', { project_name: 'closed' }),
    open: await make('/projects', { project_name: 'open', metadata: { public: 'true' } }),
  }
  for (const username of [...Object.keys(ROLES), 'stranger']) {
    await make('/users', person(username))
    const role_id = (ROLES as Record<string, number>)[username]
    if (role_id) await make('/projects/closed/members', { role_id, member_user: { username } })
  }
  return {
    surroundings,
    core,
    content: surroundings.peers.content,
    projects,
    takeAsked: () => surroundings.peers.content.asked.splice(0).filter((subject) => subject !== 'statistics.count'),
    async stop() {
      const errors = core.errors.map(({ fields }) => fields?.err)
      await core.stop()
      await surroundings.stop()
      expect(errors).toEqual([])
    },
  }
}
