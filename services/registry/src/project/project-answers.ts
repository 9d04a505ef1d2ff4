import { type Answer, answer } from '@berth/messaging'
import { projectClose, projectCount, projectPut } from '@berth/types'
import type { ProjectStore } from './project-store.ts'

/** `svc.registry.v1.project.*` */
export function projectAnswers(projects: ProjectStore): Answer[] {
  return [
    answer(projectPut, async ({ project }) => ({ revision: await projects.put(project) })),
    answer(projectClose, async ({ id, requireEmpty, revision }) => {
      await projects.close(id, { requireEmpty, revision })
      return { closed: true as const }
    }),
    answer(projectCount, async ({ ids }) => ({ counts: await projects.count(ids) })),
  ]
}
