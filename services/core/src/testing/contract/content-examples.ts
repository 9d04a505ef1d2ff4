import type { MakeExample } from './example.ts'
import type { World } from './world.ts'

const REPOSITORY = '/projects/{project_name}/repositories/{repository_name}'
const ARTIFACT = `${REPOSITORY}/artifacts/{reference}`

/** Encoded twice, because it has a slash. */
const inRepository = ({ project }: World, repository = 'team/app') => ({
  project_name: project.name,
  repository_name: encodeURIComponent(encodeURIComponent(repository)),
})

/** An artifact of the project with one tag, which nobody else uses. */
export function freshArtifact(world: World, repository = 'team/app') {
  const tag = `tag-${world.next()}`
  const digest = world.push(repository, [tag])
  return { path: { ...inRepository(world, repository), reference: digest }, digest, tag }
}

/** A label of the project. */
export const freshLabel = (world: World): Promise<number> =>
  world.make('/labels', { name: `label-${world.next()}`, scope: 'p', project_id: world.project.id })

const ofFresh: MakeExample = (world) => ({ path: freshArtifact(world).path })

/** Repositories, artifacts and what hangs on them. */
export const CONTENT_EXAMPLES: Record<string, MakeExample> = {
  'GET /repositories': () => ({ query: 'q=name%3D~team&sort=-name' }),
  'GET /projects/{project_name}/repositories': (world) => ({ path: { project_name: world.project.name } }),
  [`GET ${REPOSITORY}`]: (world) => ({ path: inRepository(world) }),
  [`PUT ${REPOSITORY}`]: (world) => ({ path: inRepository(world), body: { description: `the ${world.next()}th` } }),
  [`DELETE ${REPOSITORY}`]: async (world) => {
    const repository = `gone/r${world.next()}`
    world.push(repository, ['1'])
    return { path: inRepository(world, repository) }
  },
  [`GET ${REPOSITORY}/artifacts`]: (world) => ({
    path: inRepository(world),
    query:
      'with_tag=true&with_label=true&with_accessory=true&with_immutable_status=true&with_scan_overview=true' +
      '&with_sbom_overview=true&q=tags%3D*&sort=-push_time',
  }),
  [`POST ${REPOSITORY}/artifacts`]: async (world) => {
    const { digest } = freshArtifact(world)
    return {
      path: inRepository(world, `copies/r${world.next()}`),
      query: `from=${encodeURIComponent(`${world.project.name}/team/app@${digest}`)}`,
    }
  },
  [`GET ${ARTIFACT}`]: async (world) => ({
    path: { ...inRepository(world), reference: freshArtifact(world).tag },
    query: 'with_label=true&with_accessory=true&with_immutable_status=true&with_scan_overview=true',
  }),
  [`DELETE ${ARTIFACT}`]: ofFresh,
  [`GET ${ARTIFACT}/tags`]: async (world) => ({
    path: freshArtifact(world).path,
    query: 'with_immutable_status=true&sort=name',
  }),
  [`POST ${ARTIFACT}/tags`]: async (world) => ({
    path: freshArtifact(world).path,
    body: { name: `more-${world.next()}` },
  }),
  [`DELETE ${ARTIFACT}/tags/{tag_name}`]: async (world) => {
    const { path, tag } = freshArtifact(world)
    return { path: { ...path, tag_name: tag } }
  },
  [`GET ${ARTIFACT}/accessories`]: ofFresh,
  [`GET ${ARTIFACT}/additions/{addition}`]: async (world) => ({
    path: { ...freshArtifact(world).path, addition: 'build_history' },
  }),
  [`POST ${ARTIFACT}/labels`]: async (world) => ({
    path: freshArtifact(world).path,
    body: { id: await freshLabel(world) },
  }),
  [`DELETE ${ARTIFACT}/labels/{label_id}`]: async (world) => {
    const { path } = freshArtifact(world)
    const id = await freshLabel(world)
    const { project_name, repository_name, reference } = path
    const labels = `/projects/${project_name}/repositories/${repository_name}/artifacts/${reference}/labels`
    await world.must(200, { method: 'POST', path: labels, body: { id } })
    return { path: { ...path, label_id: id } }
  },
  'GET /icons/{digest}': (world) => ({ path: { digest: world.icon } }),
  'GET /projects/{project_name_or_id}/artifacts': (world) => ({
    path: { project_name_or_id: world.project.name },
    query: 'with_tag=true&with_label=true&with_accessory=true&latest_in_repository=false',
  }),
  'GET /search': () => ({ query: 'q=team' }),
  'GET /statistics': () => ({}),
}
