import type { Database } from '@berth/db'
import { BadRequest, NotFound } from '@berth/errors'
import type { Bus } from '@berth/messaging'
import { labelAttach, labelDetach } from '@berth/types'
import type { AuditTrail } from '../audit/index.ts'
import type { Caller } from '../caller/caller.ts'
import { type Label, labelStore } from '../label/index.ts'
import { type ArtifactPath, knownReference } from './content-path.ts'
import type { Judge } from './judge.ts'

/** The use cases of labels on artifacts. */
export interface ArtifactLabels {
  /** @throws {NotFound} no such label for this project; {Conflict} it is on it already */
  attach(caller: Caller, path: ArtifactPath, labelId: number | undefined): Promise<void>
  /** @throws {NotFound} it is not on it */
  detach(caller: Caller, path: ArtifactPath, labelId: number): Promise<void>
}

export function createArtifactLabels(deps: {
  database: Database
  bus: Pick<Bus, 'ask'>
  judge: Judge
  audit: AuditTrail
}): ArtifactLabels {
  const { database, bus, judge, audit } = deps

  /** A label of this project or of the whole suite; that of another project is as good as none. */
  async function getUsable(id: number, projectId: number): Promise<Label> {
    const label = await labelStore.find(database, id)
    const isUsable = label && (label.projectId === undefined || label.projectId === projectId)
    if (!isUsable) throw new NotFound(`label ${id} not found`)
    return label
  }

  const record = (
    caller: Caller,
    projectId: number,
    artifact: { repository: string; reference: string },
    what: string,
  ) =>
    audit.record(database, caller, {
      operation: 'update',
      resourceType: 'artifact',
      resource: `${artifact.repository}${artifact.reference.includes(':') ? '@' : ':'}${artifact.reference}`,
      projectId,
      description: what,
    })

  return {
    attach: (caller, path, labelId) =>
      judge.inRepository(caller, path, ['artifact-label', 'create'], async (asked, { project }) => {
        if (!labelId) throw new BadRequest('the id of the label is missing')
        const artifact = { ...asked, reference: knownReference(path) }
        const { id, name } = await getUsable(labelId, project.id)
        await bus.ask(labelAttach, { ...artifact, labelId: id })
        await record(caller, project.id, artifact, `label ${name} attached`)
      }),

    detach: (caller, path, labelId) =>
      judge.inRepository(caller, path, ['artifact-label', 'delete'], async (asked, { project }) => {
        const artifact = { ...asked, reference: knownReference(path) }
        const { id, name } = await getUsable(labelId, project.id)
        await bus.ask(labelDetach, { ...artifact, labelId: id })
        await record(caller, project.id, artifact, `label ${name} detached`)
      }),
  }
}
