import { freshArtifact, freshLabel } from './content-examples.ts'
import { callOf, type Example } from './example.ts'
import { freshRobot, robotBody } from './project-examples.ts'
import { userBody } from './system-examples.ts'
import type { CallerName } from './table.ts'
import type { World } from './world.ts'

/** How an operation is made to fail in one way; what is not said is as in its example. */
export type MakeFailure = (
  world: World,
  example: Example,
  operation: string,
) => (Example & { caller?: CallerName }) | Promise<Example>

const REPOSITORY = '/projects/{project_name}/repositories/{repository_name}'
const ARTIFACT = `${REPOSITORY}/artifacts/{reference}`
const PROJECT = '/projects/{project_name_or_id}'
const NOBODYS_ID = 4_000_000

const withBody =
  (body: unknown): MakeFailure =>
  () => ({ body })
const withPath =
  (path: NonNullable<Example['path']>): MakeFailure =>
  (_world, example) => ({ path: { ...example.path, ...path } })
/** The same call a second time. */
const again: MakeFailure = async (world, example, operation) => {
  await world.try(callOf(operation, example))
  return {}
}

/** Failures that are an operation's own; those that many share are in failing.ts. */
export const FAILURES: Record<string, Partial<Record<number, MakeFailure>>> = {
  [`POST ${REPOSITORY}/artifacts`]: {
    400: () => ({ query: 'from=nowhere' }),
    404: ({ project }) => ({ query: `from=${project.name}/team/app:no-such-tag` }),
  },
  [`GET ${ARTIFACT}`]: { 404: withPath({ reference: 'no-such-tag' }) },
  [`DELETE ${ARTIFACT}`]: { 404: withPath({ reference: 'no-such-tag' }) },
  [`GET ${ARTIFACT}/tags`]: { 404: withPath({ reference: 'no-such-tag' }) },
  [`POST ${ARTIFACT}/tags`]: {
    400: withBody({ name: '-not a tag-' }),
    404: withPath({ reference: 'no-such-tag' }),
    409: (world) => {
      const { path, tag } = freshArtifact(world)
      return { path, body: { name: tag } }
    },
  },
  [`DELETE ${ARTIFACT}/tags/{tag_name}`]: { 404: withPath({ tag_name: 'no-such-tag' }) },
  [`GET ${ARTIFACT}/accessories`]: { 404: withPath({ reference: 'no-such-tag' }) },
  [`GET ${ARTIFACT}/additions/{addition}`]: {
    400: withPath({ addition: 'values.yaml' }),
    404: withPath({ reference: 'no-such-tag' }),
  },
  [`POST ${ARTIFACT}/labels`]: {
    404: withBody({ id: NOBODYS_ID }),
    409: again,
  },
  [`DELETE ${ARTIFACT}/labels/{label_id}`]: { 404: withPath({ label_id: NOBODYS_ID }) },
  'GET /icons/{digest}': {
    400: withPath({ digest: 'not-a-digest' }),
    404: withPath({ digest: `sha256:${'0'.repeat(64)}` }),
  },

  [`POST ${PROJECT}/immutabletagrules`]: { 400: withBody({ action: 'immutable', template: 'immutable_template' }) },
  [`PUT ${PROJECT}/immutabletagrules/{immutable_rule_id}`]: { 404: withPath({ immutable_rule_id: NOBODYS_ID }) },
  [`DELETE ${PROJECT}/immutabletagrules/{immutable_rule_id}`]: { 404: withPath({ immutable_rule_id: NOBODYS_ID }) },
  'GET /labels': { 400: () => ({ query: 'scope=sideways' }) },
  'POST /labels': {
    400: withBody({ name: '', scope: 'g' }),
    409: again,
    415: () => ({ body: 'name=x', headers: { 'content-type': 'text/plain' } }),
  },
  'GET /labels/{label_id}': { 404: withPath({ label_id: NOBODYS_ID }) },
  'PUT /labels/{label_id}': {
    404: withPath({ label_id: NOBODYS_ID }),
    409: async (world) => {
      const taken = await world.must(200, { method: 'GET', path: `/labels/${await freshLabel(world)}` })
      return { body: { name: (taken.body as { name: string }).name } }
    },
  },
  'DELETE /labels/{label_id}': { 404: withPath({ label_id: NOBODYS_ID }) },

  [`POST ${PROJECT}/members`]: {
    400: withBody({ role_id: 77, member_user: { username: 'guest' } }),
    409: again,
  },
  [`GET ${PROJECT}/members/{mid}`]: { 404: withPath({ mid: NOBODYS_ID }) },
  [`PUT ${PROJECT}/members/{mid}`]: { 400: withBody({ role_id: 0 }), 404: withPath({ mid: NOBODYS_ID }) },
  [`DELETE ${PROJECT}/members/{mid}`]: { 404: withPath({ mid: NOBODYS_ID }) },

  [`POST ${PROJECT}/metadatas/`]: {
    400: withBody({ severity: 'high', public: 'true' }),
    409: withBody({ public: 'true' }),
  },
  [`GET ${PROJECT}/metadatas/{meta_name}`]: { 404: withPath({ meta_name: 'severities' }) },
  [`PUT ${PROJECT}/metadatas/{meta_name}`]: { 400: withBody({ severity: 'awful' }) },

  'HEAD /projects': { 404: () => ({ query: 'project_name=no-such-project' }) },
  'POST /projects': {
    400: withBody({ project_name: 'Not A Name' }),
    409: ({ project }) => ({ body: { project_name: project.name } }),
  },
  [`PUT ${PROJECT}`]: { 400: withBody({ metadata: { severity: 'awful' } }) },
  [`DELETE ${PROJECT}`]: {
    412: (world) => ({ path: { project_name_or_id: world.project.name }, caller: 'admin' }),
  },
  'GET /quotas/{id}': { 404: withPath({ id: NOBODYS_ID }) },
  'PUT /quotas/{id}': { 400: withBody({ hard: { storage: 0 } }), 404: withPath({ id: NOBODYS_ID }) },

  [`GET ${REPOSITORY}`]: { 404: withPath({ repository_name: 'no-such' }) },
  [`PUT ${REPOSITORY}`]: { 404: withPath({ repository_name: 'no-such' }) },
  [`DELETE ${REPOSITORY}`]: { 404: withPath({ repository_name: 'no-such' }), 412: immutableRepository },

  'GET /robots': {
    400: () => ({ query: 'q=Level%3Dproject' }),
    404: () => ({ query: `q=${encodeURIComponent(`Level=project,ProjectID=${NOBODYS_ID}`)}` }),
  },
  'POST /robots': {
    400: (world) => ({ body: robotBody(world, { duration: 0 }) }),
    404: (world) => ({
      body: robotBody(world, {
        permissions: [{ kind: 'project', namespace: 'no-such', access: [{ resource: 'repository', action: 'pull' }] }],
      }),
    }),
    409: again,
  },
  'GET /robots/{robot_id}': { 404: withPath({ robot_id: NOBODYS_ID }) },
  'PUT /robots/{robot_id}': {
    400: async (world) => {
      const robot = await freshRobot(world)
      return { path: { robot_id: robot.id }, body: { ...robot, name: 'another-name' } }
    },
    404: withPath({ robot_id: NOBODYS_ID }),
  },
  'PATCH /robots/{robot_id}': { 400: withBody({ secret: 'weak' }), 404: withPath({ robot_id: NOBODYS_ID }) },
  'DELETE /robots/{robot_id}': { 404: withPath({ robot_id: NOBODYS_ID }) },

  'POST /users': { 400: (world) => ({ body: userBody(world, { password: 'weak' }) }), 409: again },
  'GET /users/current': { 412: () => ({ caller: 'system robot' }) },
  'GET /users/{user_id}': { 404: withPath({ user_id: NOBODYS_ID }) },
  'PUT /users/{user_id}': {
    400: withBody({ email: 'no address', realname: 'x' }),
    404: withPath({ user_id: NOBODYS_ID }),
    409: withBody({ email: 'guest@example.org', realname: 'x' }),
  },
  'DELETE /users/{user_id}': { 404: withPath({ user_id: NOBODYS_ID }) },
  'PUT /users/{user_id}/sysadmin': { 404: withPath({ user_id: NOBODYS_ID }) },
  'PUT /users/{user_id}/cli_secret': {
    403: async (world) => ({ on: await world.atProvider(), as: await world.weakRobot() }),
    404: async (world) => ({ on: await world.atProvider(), path: { user_id: NOBODYS_ID } }),
  },
  'PUT /users/{user_id}/password': { 400: withBody({ new_password: 'weak' }), 404: withPath({ user_id: NOBODYS_ID }) },

  'POST /usergroups': { 400: withBody({ group_name: '', group_type: 3 }), 409: again },
  'GET /usergroups/search': { 400: () => ({ query: 'groupname=' }) },
  'DELETE /usergroups/{group_id}': { 404: withPath({ group_id: NOBODYS_ID }) },
  'GET /usergroups/{group_id}': { 404: withPath({ group_id: NOBODYS_ID }) },
  'PUT /usergroups/{group_id}': { 404: withPath({ group_id: NOBODYS_ID }) },

  'PUT /configurations': { 400: withBody({ token_expiration: -1 }) },
  'GET /ldap/users/search': { 400: async (world) => ({ on: await world.bare() }) },
  'GET /ldap/groups/search': { 400: async (world) => ({ on: await world.bare() }) },
  'POST /ldap/users/import': {
    404: withBody({ ldap_uid_list: ['nobody-of-that-name'] }),
    412: (world) => ({ on: world.core.url }),
  },
  'POST /system/oidc/ping': { 400: withBody({ url: 'http://127.0.0.1:1' }) },
  'GET /systeminfo/getcert': { 404: async (world) => ({ on: await world.bare() }) },
}

/** A repository with a tag no one may take off. */
function immutableRepository(world: World): Example {
  const repository = `kept/r${world.next()}`
  world.push(repository, ['stays'], ['stays'])
  return {
    path: { project_name: world.project.name, repository_name: encodeURIComponent(encodeURIComponent(repository)) },
  }
}

/** Failures the document declares, as Harbor's does, and no call can have; each with the reason. */
export const OUT_OF_REACH: Record<string, string> = {
  [`405 POST ${REPOSITORY}/artifacts`]: 'there are no proxy projects yet',
  [`405 POST ${ARTIFACT}/tags`]: 'there are no proxy projects yet',
  [`409 DELETE ${ARTIFACT}/labels/{label_id}`]: 'taking a label off conflicts with nothing',
  [`409 PUT ${PROJECT}/metadatas/{meta_name}`]: 'changing what is there conflicts with nothing',
  [`409 DELETE ${PROJECT}/metadatas/{meta_name}`]: 'taking a key away conflicts with nothing',
  '409 PUT /robots/{robot_id}': 'the name of a robot cannot be changed',
  '409 GET /usergroups/search': 'looking conflicts with nothing',
  [`422 GET ${ARTIFACT}/additions/{addition}`]: 'nothing about it has a form that could be broken',
  '422 PUT /configurations': 'a value that does not fit is 400',
  '400 HEAD /projects': 'a name that no project can have is one that is not there',
  '404 GET /systeminfo/volumes': 'there is always a storage',
  '404 GET /permissions': 'there is only one list of them',
  '500 GET /health': 'that something is down is what it tells, with 200',
}
