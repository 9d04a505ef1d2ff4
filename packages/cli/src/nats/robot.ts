import { z } from 'zod'
import type { Api } from '../api.ts'

const Created = z.object({ id: z.number().int(), name: z.string(), secret: z.string() })

/** The account a program outside gets its tokens with. */
export interface Account {
  name: string
  secret?: string
}

/** What it takes to pull, and to see what there is to pull. */
const READING = [
  { resource: 'repository', action: 'pull' },
  { resource: 'repository', action: 'list' },
  { resource: 'repository', action: 'read' },
  { resource: 'artifact', action: 'list' },
  { resource: 'artifact', action: 'read' },
  { resource: 'tag', action: 'list' },
]

/** Makes a robot account that may read one project and nothing else, without an end; its secret is told this once. */
export async function createReader(api: Api, project: string, name: string): Promise<Account> {
  const { value } = await api.call('POST', '/api/v2.0/robots', {
    shape: Created,
    body: {
      name,
      description: `Reads ${project} for the NATS user ${name}`,
      level: 'project',
      duration: -1,
      permissions: [{ kind: 'project', namespace: project, access: READING }],
    },
  })
  return { name: value.name, secret: value.secret }
}

/** `robot$library+reporter` and `reporter` are `reporter`. */
export function shortName(robot: string, project: string): string {
  const at = robot.indexOf(`${project}+`)
  return at < 0 ? robot : robot.slice(at + project.length + 1)
}
