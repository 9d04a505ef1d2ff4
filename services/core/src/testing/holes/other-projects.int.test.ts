import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../contract/ask.ts'
import { callOf, type Example } from '../contract/example.ts'
import { robotBody, ruleBody } from '../contract/project-examples.ts'
import { openWorld, type World } from '../contract/world.ts'
import { openSurroundings, type Surroundings } from '../harness.ts'

const PROJECT = '/projects/{project_name_or_id}'
const ARTIFACT = '/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}'

let surroundings: Surroundings
let world: World
/** What there is in a project its asker has no role in. */
let theirs: { member: number; rule: number; label: number; robot: number; quota: number; digest: string }
let own: { digest: string; label: number }

beforeAll(async () => {
  surroundings = await openSurroundings()
  world = await openWorld(surroundings)
  const { project, other } = world
  const user = await world.makeUser()
  const member = await world.make(`/projects/${other.id}/members`, { role_id: 3, member_user: { user_id: user.id } })
  const rule = await world.make(`/projects/${other.id}/immutabletagrules`, ruleBody(1))
  const label = await world.make('/labels', { name: 'theirs', scope: 'p', project_id: other.id })
  const access = [{ resource: 'repository', action: 'pull' }]
  const robot = (await world.makeRobot([{ kind: 'project', namespace: other.name, access }], 'project')).id
  const quotas = await world.must(200, { method: 'GET', path: `/quotas?reference=project&reference_id=${other.id}` })
  const quota = (quotas.body as { id: number }[])[0]?.id ?? 0
  const { digest } = surroundings.peers.content.push({ repository: `${other.name}/app`, tags: ['1'] })
  theirs = { member, rule, label, robot, quota, digest }
  own = {
    digest: world.push('app', ['1']),
    label: await world.make('/labels', { name: 'own', scope: 'p', project_id: project.id }),
  }
})
afterAll(async () => {
  await world?.stop()
  await surroundings?.stop()
}, 30_000)

/** Everything of theirs, as an administrator sees it. */
async function everything(): Promise<unknown[]> {
  const { other } = world
  const paths = [
    `/projects/${other.id}`,
    `/projects/${other.id}/members?page_size=100`,
    `/projects/${other.id}/immutabletagrules`,
    `/labels/${theirs.label}`,
    `/robots/${theirs.robot}`,
    `/quotas/${theirs.quota}`,
    `/projects/${other.name}/repositories/app/artifacts?with_label=true`,
  ]
  return Promise.all(paths.map(async (path) => (await world.must(200, { method: 'GET', path })).body))
}

type Made = () => Example
const inOwn = (more: object): Made => {
  return () => ({ path: { project_name_or_id: world.project.name, ...more } })
}
const inTheirs = (more: object = {}): Made => {
  return () => ({ path: { project_name_or_id: world.other.id, project_name: world.other.name, ...more } })
}
const artifact = (place: () => string, digest: () => string, more: () => object = () => ({})): Made => {
  return () => ({ path: { project_name: place(), repository_name: 'app', reference: digest(), ...more() } })
}
const ofOwn = (more?: () => object) =>
  artifact(
    () => world.project.name,
    () => own.digest,
    more,
  )
const ofTheirs = artifact(
  () => world.other.name,
  () => theirs.digest,
)
const withBody =
  (make: Made, body: () => unknown): Made =>
  () => ({ ...make(), body: body() })
const asked = (query: () => string): Made => {
  return () => ({ query: query() })
}

/** Every operation whose path or body names something of a project, with the name of something of theirs in it. */
const ATTEMPTS: [operation: string, make: Made][] = [
  [`GET ${PROJECT}/members/{mid}`, () => inOwn({ mid: theirs.member })()],
  [
    `PUT ${PROJECT}/members/{mid}`,
    withBody(
      () => inOwn({ mid: theirs.member })(),
      () => ({ role_id: 1 }),
    ),
  ],
  [`DELETE ${PROJECT}/members/{mid}`, () => inOwn({ mid: theirs.member })()],
  [
    `PUT ${PROJECT}/immutabletagrules/{immutable_rule_id}`,
    withBody(
      () => inOwn({ immutable_rule_id: theirs.rule })(),
      () => ({ id: theirs.rule, ...ruleBody(2) }),
    ),
  ],
  [`DELETE ${PROJECT}/immutabletagrules/{immutable_rule_id}`, () => inOwn({ immutable_rule_id: theirs.rule })()],
  [`POST ${ARTIFACT}/labels`, withBody(ofOwn(), () => ({ id: theirs.label }))],
  [`DELETE ${ARTIFACT}/labels/{label_id}`, ofOwn(() => ({ label_id: theirs.label }))],
  [`POST ${ARTIFACT}/labels`, withBody(ofTheirs, () => ({ id: own.label }))],
  [`GET ${ARTIFACT}`, ofOwn(() => ({ reference: theirs.digest }))],
  [`DELETE ${ARTIFACT}`, ofOwn(() => ({ reference: theirs.digest }))],
  [`GET ${ARTIFACT}`, ofTheirs],
  [`GET ${ARTIFACT}/additions/{addition}`, () => ({ path: { ...ofTheirs().path, addition: 'build_history' } })],
  [`DELETE ${ARTIFACT}`, ofTheirs],
  ['GET /labels', asked(() => `scope=p&project_id=${world.other.id}`)],
  ['GET /labels/{label_id}', () => ({ path: { label_id: theirs.label } })],
  ['PUT /labels/{label_id}', () => ({ path: { label_id: theirs.label }, body: { name: 'taken', scope: 'g' } })],
  ['DELETE /labels/{label_id}', () => ({ path: { label_id: theirs.label } })],
  ['POST /labels', () => ({ body: { name: 'planted', scope: 'p', project_id: world.other.id } })],
  ['POST /labels', () => ({ body: { name: 'planted', scope: 'g', project_id: world.project.id } })],
  ['GET /robots', asked(() => `q=${encodeURIComponent(`Level=project,ProjectID=${world.other.id}`)}`)],
  ['GET /robots/{robot_id}', () => ({ path: { robot_id: theirs.robot } })],
  ['PUT /robots/{robot_id}', () => ({ path: { robot_id: theirs.robot }, body: robotBody(world) })],
  ['PATCH /robots/{robot_id}', () => ({ path: { robot_id: theirs.robot }, body: { secret: 'Taken4you' } })],
  ['DELETE /robots/{robot_id}', () => ({ path: { robot_id: theirs.robot } })],
  ['POST /robots', () => ({ body: robotBody(world, { permissions: [pulling(world.other.name)] }) })],
  [
    'POST /robots',
    () => ({ body: robotBody(world, { permissions: [pulling(world.project.name), pulling(world.other.name)] }) }),
  ],
  ['POST /robots', () => ({ body: robotBody(world, { permissions: [pulling('*')] }) })],
  [`GET ${PROJECT}`, inTheirs()],
  [`PUT ${PROJECT}`, withBody(inTheirs(), () => ({ metadata: { public: 'true' } }))],
  [`DELETE ${PROJECT}`, inTheirs()],
  [`GET ${PROJECT}/metadatas/{meta_name}`, inTheirs({ meta_name: 'public' })],
  [`PUT ${PROJECT}/metadatas/{meta_name}`, withBody(inTheirs({ meta_name: 'public' }), () => ({ public: 'true' }))],
  [`POST ${PROJECT}/members`, withBody(inTheirs(), () => ({ role_id: 1, member_user: { username: 'projectadmin' } }))],
  [`GET ${PROJECT}/summary`, inTheirs()],
  ['GET /projects/{project_name}/logs', inTheirs()],
  ['GET /projects/{project_name}/auditlog-exts', inTheirs()],
  ['GET /quotas/{id}', () => ({ path: { id: theirs.quota } })],
  ['PUT /quotas/{id}', () => ({ path: { id: theirs.quota }, body: { hard: { storage: 1 } } })],
  [
    'POST /projects/{project_name}/repositories/{repository_name}/artifacts',
    () => ({
      path: { project_name: world.project.name, repository_name: 'stolen' },
      query: `from=${world.other.name}/app@${theirs.digest}`,
    }),
  ],
]

function pulling(namespace: string) {
  return { kind: 'project', namespace, access: [{ resource: 'repository', action: 'pull' }] }
}

describe('who administers one project reaches nothing of another (7: CVE-2022-31666 to 31671, GHSA-wqpf; 2: CVE-2019-16919)', () => {
  it.each(ATTEMPTS.map(([operation, make], n) => ({ n, operation, make })))(
    '$n $operation, as a person and as a robot',
    async ({ operation, make }) => {
      const before = await everything()
      for (const caller of ['projectAdmin', 'project robot'] as const) {
        const answer = await ask(world.core.url, { ...callOf(operation, make()), as: world.credentials[caller] })
        expect([400, 403, 404], `${caller}: ${answer.status} ${answer.text}`).toContain(answer.status)
        expect(answer.text).not.toContain('planted')
      }
      expect(await everything()).toEqual(before)
    },
  )

  it('nothing of theirs came into what is one’s own', async () => {
    const path = `/projects/${world.project.name}/repositories/app/artifacts?with_label=true`
    const { body } = await world.must(200, { method: 'GET', path })
    expect((body as { labels: unknown }[])[0]?.labels ?? null).toBeNull()
    expect(
      (await world.try({ method: 'GET', path: `/projects/${world.project.name}/repositories/stolen` })).status,
    ).toBe(404)
  })

  it('what they may do in it is nothing', async () => {
    const path = `/users/current/permissions?scope=/project/${world.other.id}`
    for (const caller of ['projectAdmin', 'stranger', 'project robot'] as const) {
      const answer = await ask(world.core.url, { method: 'GET', path, as: world.credentials[caller] })
      expect([answer.status, answer.body], caller).toEqual([200, []])
    }
  })
})

describe('what exists looks as what does not (4: CVE-2019-19030, CVE-2020-13794, CVE-2019-3990)', () => {
  const pairs: [string, () => string, string][] = [
    ['a project', () => `/projects/${world.other.name}`, '/projects/no-such-project'],
    ['a project by id', () => `/projects/${world.other.id}`, '/projects/999999'],
    ['its members', () => `/projects/${world.other.name}/members`, '/projects/no-such-project/members'],
    ['a repository', () => `/projects/${world.other.name}/repositories/app`, '/projects/no-such/repositories/app'],
    [
      'an artifact',
      () => `/projects/${world.other.name}/repositories/app/artifacts/${theirs.digest}`,
      `/projects/no-such/repositories/app/artifacts/sha256:${'0'.repeat(64)}`,
    ],
    ['a user', () => `/users/${world.ids.guest}`, '/users/999999'],
    ['a robot', () => `/robots/${theirs.robot}`, '/robots/999999'],
    ['a label', () => `/labels/${theirs.label}`, '/labels/999999'],
    ['a quota', () => `/quotas/${theirs.quota}`, '/quotas/999999'],
    ['a group', () => '/usergroups/1', '/usergroups/999999'],
  ]

  it.each(pairs)('%s, to nobody', async (_what, exists, not) => {
    const [there, missing] = await Promise.all(
      [exists(), not].map((path) => ask(world.core.url, { method: 'GET', path })),
    )
    expect([there?.status, there?.text]).toEqual([401, missing?.text])
    expect(missing?.status).toBe(401)
  })

  it.each(pairs.filter(([what]) => what !== 'a label'))('%s, to a stranger', async (_what, exists, not) => {
    const as = world.credentials.stranger
    const [there, missing] = await Promise.all(
      [exists(), not].map((path) => ask(world.core.url, { method: 'GET', path, as })),
    )
    expect([there?.status, there?.text]).toEqual([403, missing?.text])
    expect(missing?.status).toBe(403)
  })

  it('searches show names and ids, and nothing private', async () => {
    const as = world.credentials.stranger
    const users = await ask(world.core.url, { method: 'GET', path: '/users/search?username=guest', as })
    for (const found of users.body as object[]) expect(Object.keys(found).toSorted()).toEqual(['user_id', 'username'])
    for (const who of [undefined, as]) {
      for (const path of [`/search?q=${world.other.name}`, `/projects?name=${world.other.name}`, '/repositories']) {
        const { text } = await ask(world.core.url, { method: 'GET', path, as: who })
        expect(text, `8: CVE-2022-46463, ${path}`).not.toContain(`"${world.other.name}`)
      }
    }
  })
})
