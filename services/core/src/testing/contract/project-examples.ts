import { freshLabel } from './content-examples.ts'
import type { MakeExample } from './example.ts'
import { freshUser } from './system-examples.ts'
import { PROJECT_ACCESS, type World } from './world.ts'

const PROJECT = '/projects/{project_name_or_id}'

const byId = ({ project }: World) => ({ project_name_or_id: project.id })
const byName = ({ project }: World) => ({ project_name_or_id: project.name })
const ofProject: MakeExample = (world) => ({ path: byName(world) })
const named: MakeExample = ({ project }) => ({ path: { project_name: project.name } })

/** A rule nothing has been made with yet. */
export const ruleBody = (n: number, more: object = {}) => ({
  action: 'immutable',
  template: 'immutable_template',
  disabled: false,
  tag_selectors: [{ kind: 'doublestar', decoration: 'matches', pattern: `never-${n}` }],
  scope_selectors: { repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: 'nowhere/**' }] },
  ...more,
})

const freshRule = (world: World): Promise<number> =>
  world.make(`/projects/${world.project.id}/immutabletagrules`, ruleBody(world.next()))

/** Somebody who is a guest of the project; the id is the member's. */
async function freshMember(world: World): Promise<number> {
  const { id } = await world.makeUser()
  return world.make(`/projects/${world.project.id}/members`, { role_id: 3, member_user: { user_id: id } })
}

export const robotBody = (world: World, more: object = {}) => ({
  name: `made-${world.next()}`,
  level: 'project',
  duration: 30,
  permissions: [
    { kind: 'project', namespace: world.project.name, access: [{ resource: 'repository', action: 'pull' }] },
  ],
  ...more,
})

/** A robot of the project, as it is shown. */
export async function freshRobot(world: World): Promise<{ id: number } & Record<string, unknown>> {
  const { body } = await world.must(201, { method: 'POST', path: '/robots', body: robotBody(world) })
  const shown = await world.must(200, { method: 'GET', path: `/robots/${(body as { id: number }).id}` })
  return shown.body as { id: number } & Record<string, unknown>
}

const robotId = async (world: World): Promise<number> => (await freshRobot(world)).id

/** An empty project that its administrator and a robot of its own may delete. */
async function doomed(world: World) {
  const name = `doomed-${world.next()}`
  const id = await world.make('/projects', { project_name: name, metadata: { public: 'false' } })
  await world.make(`/projects/${id}/members`, { role_id: 1, member_user: { user_id: world.ids.projectAdmin } })
  const robot = await world.makeRobot([{ kind: 'project', namespace: name, access: PROJECT_ACCESS }], 'project')
  return { id, robot }
}

/** `severity` is there or it is not. */
async function withSeverity(world: World, value: string | undefined): Promise<void> {
  const path = `/projects/${world.project.name}/metadatas`
  const { body } = await world.must(200, { method: 'GET', path: `/projects/${world.project.name}` })
  const isThere = (body as { metadata: { severity?: string } }).metadata.severity !== undefined
  if (isThere) await world.must(200, { method: 'DELETE', path: `${path}/severity` })
  if (value !== undefined) await world.must(200, { method: 'POST', path: `${path}/`, body: { severity: value } })
}

/** Projects, and what only exists inside one. */
export const PROJECT_EXAMPLES: Record<string, MakeExample> = {
  'GET /projects': () => ({ query: 'name=contract&with_detail=true&sort=-name' }),
  'HEAD /projects': ({ project }) => ({ query: `project_name=${project.name}` }),
  'POST /projects': (world) => ({
    body: { project_name: `made-${world.next()}`, metadata: { public: 'false' }, storage_limit: -1 },
  }),
  [`GET ${PROJECT}`]: ofProject,
  [`PUT ${PROJECT}`]: (world) => ({ path: byId(world), body: { metadata: { public: 'false' } } }),
  [`DELETE ${PROJECT}`]: async (world, { caller, works }) => {
    if (!works) return { path: byName(world) }
    const { id, robot } = await doomed(world)
    return { path: { project_name_or_id: id }, ...(caller === 'project robot' && { as: robot.as }) }
  },
  [`GET ${PROJECT}/_deletable`]: ofProject,
  [`GET ${PROJECT}/summary`]: ofProject,
  'GET /projects/{project_name}/logs': named,
  'GET /projects/{project_name}/auditlog-exts': named,

  [`GET ${PROJECT}/metadatas/`]: ofProject,
  [`POST ${PROJECT}/metadatas/`]: async (world) => {
    await withSeverity(world, undefined)
    return { path: byName(world), body: { severity: 'high' } }
  },
  [`GET ${PROJECT}/metadatas/{meta_name}`]: (world) => ({ path: { ...byName(world), meta_name: 'public' } }),
  [`PUT ${PROJECT}/metadatas/{meta_name}`]: async (world) => {
    await withSeverity(world, 'low')
    return { path: { ...byName(world), meta_name: 'severity' }, body: { severity: 'critical' } }
  },
  [`DELETE ${PROJECT}/metadatas/{meta_name}`]: async (world) => {
    await withSeverity(world, 'medium')
    return { path: { ...byName(world), meta_name: 'severity' } }
  },

  [`GET ${PROJECT}/members`]: (world) => ({ path: byName(world), query: 'entityname=guest' }),
  [`POST ${PROJECT}/members`]: async (world, { works }) => ({
    path: byName(world),
    body: { role_id: 5, member_user: { user_id: await world.usable(freshUser, works) } },
  }),
  [`GET ${PROJECT}/members/{mid}`]: async (world) => ({
    path: { ...byName(world), mid: await world.lasting(freshMember) },
  }),
  [`PUT ${PROJECT}/members/{mid}`]: async (world) => ({
    path: { ...byName(world), mid: await world.lasting(freshMember) },
    body: { role_id: 2 },
  }),
  [`DELETE ${PROJECT}/members/{mid}`]: async (world, { works }) => ({
    path: { ...byName(world), mid: await world.usable(freshMember, works) },
  }),

  [`GET ${PROJECT}/immutabletagrules`]: ofProject,
  [`POST ${PROJECT}/immutabletagrules`]: (world) => ({ path: byName(world), body: ruleBody(world.next()) }),
  [`PUT ${PROJECT}/immutabletagrules/{immutable_rule_id}`]: async (world) => {
    const id = await freshRule(world)
    return { path: { ...byName(world), immutable_rule_id: id }, body: { id, ...ruleBody(world.next()) } }
  },
  [`DELETE ${PROJECT}/immutabletagrules/{immutable_rule_id}`]: async (world, { works }) => ({
    path: { ...byName(world), immutable_rule_id: await world.usable(freshRule, works) },
  }),

  'GET /labels': ({ project }) => ({ query: `scope=p&project_id=${project.id}` }),
  'POST /labels': (world) => ({
    body: { name: `label-${world.next()}`, scope: 'p', project_id: world.project.id, color: '#00ab9a' },
  }),
  'GET /labels/{label_id}': async (world) => ({ path: { label_id: await world.lasting(freshLabel) } }),
  'PUT /labels/{label_id}': async (world) => ({
    path: { label_id: await freshLabel(world) },
    body: { name: `renamed-${world.next()}`, description: 'in other words' },
  }),
  'DELETE /labels/{label_id}': async (world, { works }) => ({
    path: { label_id: await world.usable(freshLabel, works) },
  }),

  'GET /robots': ({ project }) => ({ query: `q=${encodeURIComponent(`Level=project,ProjectID=${project.id}`)}` }),
  'POST /robots': (world) => ({ body: robotBody(world) }),
  'GET /robots/{robot_id}': async (world) => ({ path: { robot_id: await world.lasting(robotId) } }),
  'PUT /robots/{robot_id}': async (world) => {
    const robot = await freshRobot(world)
    return { path: { robot_id: robot.id }, body: { ...robot, description: 'changed' } }
  },
  'PATCH /robots/{robot_id}': async (world) => ({
    path: { robot_id: (await freshRobot(world)).id },
    body: { secret: 'Refreshed1' },
  }),
  'DELETE /robots/{robot_id}': async (world, { works }) => ({
    path: { robot_id: await world.usable(robotId, works) },
  }),
}
