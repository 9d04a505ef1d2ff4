import type { MakeExample } from './example.ts'
import { GROUP, PERSON } from './outside.ts'
import type { World } from './world.ts'

/** A group of people at a provider: it can be made without asking anybody. */
const freshGroup = (world: World): Promise<number> =>
  world.make('/usergroups', { group_name: `group-${world.next()}`, group_type: 3 })

export const userBody = (world: World, more: object = {}) => {
  const username = `made-${world.next()}`
  return { username, password: 'Contract1', email: `${username}@example.org`, realname: username, ...more }
}

/** The quota of the project. */
async function quotaOf(world: World): Promise<number> {
  const path = `/quotas?reference=project&reference_id=${world.project.id}`
  const { body } = await world.must(200, { method: 'GET', path })
  return (body as { id: number }[])[0]?.id ?? 0
}

const nothing: MakeExample = () => ({})
const ofUser =
  (body?: unknown): MakeExample =>
  async (world) => ({ path: { user_id: await world.lasting(freshUser) }, body })

export const freshUser = async (world: World): Promise<number> => (await world.makeUser()).id

/** People, groups and what there is once. */
export const SYSTEM_EXAMPLES: Record<string, MakeExample> = {
  'GET /audit-logs': () => ({ query: 'q=operation%3Dcreate&sort=-op_time' }),
  'GET /auditlog-exts': () => ({ query: 'q=operation%3Dcreate&sort=-op_time' }),
  'GET /auditlog-exts/events': nothing,
  'GET /internalconfig': nothing,
  'GET /configurations': nothing,
  'PUT /configurations': () => ({ body: { robot_token_duration: 31 } }),
  'GET /health': nothing,
  'GET /ping': nothing,
  'GET /permissions': nothing,
  'GET /systeminfo': nothing,
  'GET /systeminfo/volumes': nothing,
  'GET /systeminfo/getcert': nothing,
  'GET /system/CVEAllowlist': nothing,
  'PUT /system/CVEAllowlist': () => ({ body: { items: [{ cve_id: 'CVE-2026-1' }], expires_at: null } }),
  'GET /quotas': () => ({ query: 'reference=project&sort=-used.storage' }),
  'GET /quotas/{id}': async (world) => ({ path: { id: await world.lasting(quotaOf) } }),
  'PUT /quotas/{id}': async (world) => ({
    path: { id: await world.lasting(quotaOf) },
    body: { hard: { storage: 1_000_000_000 + world.next() } },
  }),

  'GET /users': () => ({ query: 'q=username%3D~guest&sort=username' }),
  'POST /users': (world) => ({ body: userBody(world) }),
  'GET /users/current': nothing,
  'GET /users/current/permissions': ({ project }) => ({ query: `scope=/project/${project.id}&relative=true` }),
  'GET /users/search': () => ({ query: 'username=gue' }),
  'GET /users/{user_id}': ofUser(),
  'PUT /users/{user_id}': async (world, { works }) => ({
    path: { user_id: await world.usable(freshUser, works) },
    body: { email: `new-${world.next()}@example.org`, realname: 'New', comment: 'new' },
  }),
  'DELETE /users/{user_id}': async (world, { works }) => ({
    path: { user_id: await world.usable(freshUser, works) },
  }),
  'PUT /users/{user_id}/sysadmin': ofUser({ sysadmin_flag: false }),
  'PUT /users/{user_id}/password': async (world, { works }) => ({
    path: { user_id: await world.usable(freshUser, works) },
    body: { new_password: 'Another1x' },
  }),
  'PUT /users/{user_id}/cli_secret': ofUser({ secret: 'Contract1x' }),

  'GET /usergroups': () => ({ query: 'group_name=group' }),
  'POST /usergroups': (world) => ({ body: { group_name: `made-${world.next()}`, group_type: 3 } }),
  'GET /usergroups/search': () => ({ query: 'groupname=group' }),
  'GET /usergroups/{group_id}': async (world) => ({ path: { group_id: await world.lasting(freshGroup) } }),
  'PUT /usergroups/{group_id}': async (world) => ({
    path: { group_id: await freshGroup(world) },
    body: { group_name: `renamed-${world.next()}`, group_type: 3 },
  }),
  'DELETE /usergroups/{group_id}': async (world, { works }) => ({
    path: { group_id: await world.usable(freshGroup, works) },
  }),

  'POST /ldap/ping': nothing,
  'GET /ldap/users/search': () => ({ query: `username=${PERSON}` }),
  'POST /ldap/users/import': async (world, { caller, works }) => {
    const body = { ldap_uid_list: [PERSON] }
    if (!works) return { body }
    const { url, admin, robot } = await world.inDirectory()
    return { body, on: url, as: caller === 'admin' ? admin : robot }
  },
  'GET /ldap/groups/search': () => ({ query: `groupname=${GROUP}` }),
  'POST /system/oidc/ping': (world) => ({ body: { url: world.issuer, verify_cert: false } }),
}
