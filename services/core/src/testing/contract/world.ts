import { createHash } from 'node:crypto'
import { PROJECT_CATALOGUE, SYSTEM_CATALOGUE } from '../../robot/robot-catalogue.ts'
import { ADMIN_PASSWORD, type RunningCore, type Surroundings } from '../harness.ts'
import { type Answer, ask, type Call } from './ask.ts'
import { openOutside } from './outside.ts'
import type { CallerName } from './table.ts'

/** What the calls of the contract are about, and who makes them. */
export interface World {
  core: RunningCore
  surroundings: Surroundings
  /** A private project with a member of each role. */
  project: Place
  /** Another one, in which none of them has a role. */
  other: Place
  /** Credentials; nobody has none. */
  credentials: Record<CallerName, string | undefined>
  ids: Record<string, number>
  /** A number nothing was named with yet. */
  next(): number
  /** As the administrator. @throws {Error} the answer is another one */
  must(status: number, call: Omit<Call, 'as'>): Promise<Answer>
  /** As the administrator; answers the number at the end of Location. */
  make(path: string, body: unknown): Promise<number>
  /** Makes a user nobody else uses. */
  makeUser(): Promise<{ id: number; name: string; password: string }>
  makeRobot(permissions: unknown[], level: 'system' | 'project'): Promise<{ id: number; as: string }>
  /** Puts an image into the project's repository; answers its digest. */
  push(repository: string, tags: readonly string[], immutable?: readonly string[]): string
  /** Digest of a picture everybody may see. */
  icon: string
  /** What `make` makes, made once: for calls that leave it as it is. */
  lasting(make: (world: World) => Promise<number>): Promise<number>
  /** For calls that use it up: made anew if the call should work, else as with `lasting`. */
  usable(make: (world: World) => Promise<number>, works: boolean): Promise<number>
  /** URL of something that says it is an OpenID provider. */
  issuer: string
  /** A core whose people are in a directory, with credentials of the administrator and of a system robot. */
  inDirectory(): Promise<{ url: string; admin: string; robot: string }>
  /** A core whose people sign in at a provider; its administrator has the password of the first one. */
  atProvider(): Promise<string>
  /** Of that core: a robot that may list labels and nothing else. */
  weakRobot(): Promise<string>
  /** A core nobody has set up. */
  bare(): Promise<string>
  stop(): Promise<void>
  /** Asks as the administrator, whatever the answer. */
  try(call: Omit<Call, 'as'>): Promise<Answer>
}

interface Place {
  id: number
  name: string
}

const ROLES = { projectAdmin: 1, maintainer: 4, developer: 2, guest: 3, limitedGuest: 5 } as const
const PASSWORD = 'Contract1'

/** Everything a robot can be given in a project. */
export const PROJECT_ACCESS = accessOf(PROJECT_CATALOGUE)
const SYSTEM_ACCESS = accessOf(SYSTEM_CATALOGUE)

/** Starts a core and makes all the contract is about; other cores are started when they are asked for. */
export async function openWorld(surroundings: Surroundings): Promise<World> {
  const outside = await openOutside()
  const core = await surroundings.startCore(outside.env)
  const more: RunningCore[] = []

  const admin = `admin:${ADMIN_PASSWORD}`
  const ids: Record<string, number> = {}
  let count = 0
  const next = (): number => {
    count += 1
    return count
  }
  const must: World['must'] = async (status, call) => {
    const answer = await ask(core.url, { ...call, as: admin })
    if (answer.status === status) return answer
    const because = answer.status < 500 ? '' : `\n${String(core.errors.at(-1)?.fields?.err)}`
    throw new Error(`${call.method} ${call.path}: ${answer.status} instead of ${status}: ${answer.text}${because}`)
  }
  const make: World['make'] = async (path, body) => {
    const { headers } = await must(201, { method: 'POST', path, body })
    return Number(headers.get('location')?.split('/').pop())
  }
  const makeUser = async (name = `user-${next()}`) => {
    const body = { username: name, password: PASSWORD, email: `${name}@example.org`, realname: name }
    return { id: await make('/users', body), name, password: PASSWORD }
  }
  const makeRobot: World['makeRobot'] = async (permissions, level) => {
    const body = { name: `robot-${next()}`, level, duration: -1, permissions }
    const { id, name, secret } = (await must(201, { method: 'POST', path: '/robots', body })).body as Made
    return { id, as: `${name}:${secret}` }
  }
  const makeProject = async (name: string): Promise<Place> => ({
    id: await make('/projects', { project_name: name, metadata: { public: 'false' } }),
    name,
  })
  const project = await makeProject('contract')
  const other = await makeProject('elsewhere')
  const credentials: World['credentials'] = { ...NOBODY, admin }
  for (const name of ['stranger', ...Object.keys(ROLES)] as CallerName[]) {
    const user = await makeUser(name.toLowerCase())
    ids[name] = user.id
    credentials[name] = `${user.name}:${user.password}`
    const roleId = (ROLES as Partial<Record<CallerName, number>>)[name]
    if (roleId !== undefined) {
      await make(`/projects/${project.id}/members`, { role_id: roleId, member_user: { user_id: user.id } })
    }
  }
  const inProject = { kind: 'project', namespace: project.name, access: PROJECT_ACCESS }
  const everywhere = [
    { kind: 'system', namespace: '/', access: SYSTEM_ACCESS },
    { kind: 'project', namespace: '*', access: PROJECT_ACCESS },
  ]
  credentials['project robot'] = (await makeRobot([inProject], 'project')).as
  credentials['system robot'] = (await makeRobot(everywhere, 'system')).as
  const another = async (env: NodeJS.ProcessEnv): Promise<string> => {
    const other = await surroundings.startCore(env)
    more.push(other)
    return other.url
  }
  const robotOn = async (url: string, permissions: unknown[]): Promise<string> => {
    const body = { name: 'another', level: 'system', duration: -1, permissions }
    const { name, secret } = (await ask(url, { method: 'POST', path: '/robots', as: admin, body })).body as Made
    return `${name}:${secret}`
  }
  const atProvider = once(() => another({ ...outside.env, AUTH_MODE: 'oidc_auth' }))
  const { content } = surroundings.peers
  content.icons.set(ICON, { contentType: 'image/png', bytes: Buffer.from('a picture'), projectId: LIBRARY_ID })
  const made = new Map<unknown, Promise<number>>()
  const world: World = {
    core,
    surroundings,
    project,
    other,
    credentials,
    ids,
    next,
    must,
    make,
    makeUser: () => makeUser(),
    makeRobot,
    push: (repository, tags, immutable) =>
      content.push({ repository: `${project.name}/${repository}`, tags, immutable, additions: ADDITIONS }).digest,
    icon: ICON,
    lasting: (maker) => {
      const known = made.get(maker) ?? maker(world)
      made.set(maker, known)
      return known
    },
    usable: (maker, works) => (works ? maker(world) : world.lasting(maker)),
    try: (call) => ask(core.url, { ...call, as: admin }),
    issuer: outside.issuer,
    inDirectory: once(async () => {
      const url = await another({ ...outside.env, AUTH_MODE: 'ldap_auth' })
      return { url, admin, robot: await robotOn(url, everywhere) }
    }),
    atProvider,
    weakRobot: once(async () => {
      const access = [{ resource: 'label', action: 'read' }]
      return robotOn(await atProvider(), [{ kind: 'system', namespace: '/', access }])
    }),
    bare: once(() => another({})),
    stop: async () => {
      for (const one of [...more, core]) await one.stop()
      await outside.stop()
    },
  }
  world.push('team/app', ['latest'])
  return world
}

interface Made {
  id: number
  name: string
  secret: string
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

const LIBRARY_ID = 1
const ICON = `sha256:${createHash('sha256').update('a picture').digest('hex')}`
const ADDITIONS = { build_history: { contentType: 'application/json; charset=utf-8', text: '[]' } }

const NOBODY: World['credentials'] = {
  anonymous: undefined,
  stranger: undefined,
  projectAdmin: undefined,
  maintainer: undefined,
  developer: undefined,
  guest: undefined,
  limitedGuest: undefined,
  admin: undefined,
  'project robot': undefined,
  'system robot': undefined,
}

function accessOf(catalogue: Readonly<Record<string, readonly string[]>>): { resource: string; action: string }[] {
  return Object.entries(catalogue).flatMap(([resource, actions]) => actions.map((action) => ({ resource, action })))
}
