import { type Bus, type Followed, type Following, followConsumer } from '@berth/messaging'
import type { Logger } from '@berth/runtime'
import { EventEnvelope, projectCreated, projectDeleted, projectUpdated, type RegistryProject } from '@berth/types'
import type { ProjectStore } from './project-store.ts'

const SHAPES = {
  [projectCreated.subject]: projectCreated.data,
  [projectUpdated.subject]: projectUpdated.data,
  [projectDeleted.subject]: projectDeleted.data,
}

/**
 * Follows what core tells of projects, for what an ask did not reach. Putting the same revision twice changes nothing,
 * so no event ids are kept.
 */
export function followProjects(
  bus: Bus,
  parts: { projects: ProjectStore; onDeleted: () => void; log: Logger },
): Following {
  const { projects, onDeleted, log } = parts
  return followConsumer(bus, 'registry-projects', {
    log,
    handle: async (message) => {
      const told = projectIn(message)
      if (told === undefined) log.error('an event about a project cannot be read', { subject: message.subject })
      else await projects.put(told)
      message.ack()
      if (told?.state === 'deleted') onDeleted()
    },
  })
}

/** `undefined` when it is no event of ours; it would never become one. */
export function projectIn(message: Pick<Followed, 'subject' | 'data'>): RegistryProject | undefined {
  const shape = SHAPES[message.subject]
  const envelope = EventEnvelope.safeParse(readJson(message.data))
  const data = shape?.safeParse(envelope.data?.data)
  if (!data?.success) return undefined
  const { project } = data.data
  return message.subject === projectDeleted.subject ? { ...project, state: 'deleted' } : project
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}
