import { artifactDeleted, artifactPulled, artifactPushed, EventEnvelope, tagCreated, tagDeleted } from '@berth/types'
import type { z } from 'zod'
import { type AuditEntry, type AuditRow, NOBODY } from './audit-entry.ts'

const MAX_TAGS = 10

/** What an event of the registry says somebody did; undefined for events the audit log has no use for. */
export function entryOfEvent(message: unknown): { row: AuditRow; entry: AuditEntry } | undefined {
  const event = EventEnvelope.parse(message)
  const entry = READERS[event.type]?.(event.data)
  if (entry === undefined) return undefined
  const row: AuditRow = {
    occurredAt: new Date(event.occurredAt),
    username: event.actor ?? NOBODY,
    operation: entry.operation,
    resourceType: entry.resourceType,
    resource: entry.resource,
    description: entry.description ?? '',
    succeeded: true,
    projectId: entry.projectId,
    address: event.address,
    requestId: event.requestId,
    eventId: event.id,
  }
  return { row, entry }
}

function reader<Data extends z.ZodType>(
  kind: { subject: string; data: Data },
  read: (data: z.output<Data>) => AuditEntry,
): Record<string, (data: unknown) => AuditEntry> {
  return { [kind.subject]: (data) => read(kind.data.parse(data)) }
}

const READERS: Readonly<Record<string, (data: unknown) => AuditEntry>> = {
  ...reader(artifactPushed, (pushed) => artifactEntry('create', pushed, pushed.tags)),
  ...reader(artifactDeleted, (deleted) => artifactEntry('delete', deleted, deleted.tags)),
  ...reader(artifactPulled, (pulled) => ({
    ...artifactEntry('pull', pulled, pulled.tag === undefined ? [] : [pulled.tag]),
    ...(pulled.count > 1 && { description: `${pulled.count} times` }),
  })),
  ...reader(tagCreated, (made) => tagEntry('create', made)),
  ...reader(tagDeleted, (deleted) => tagEntry('delete', deleted)),
}

interface Named {
  projectId: number
  repository: string
  digest: string
}

/** Named as Harbor does: by its tags, else by its digest. */
function artifactEntry(operation: 'create' | 'delete' | 'pull', named: Named, tags: readonly string[]): AuditEntry {
  const { projectId, repository, digest } = named
  const shown = tags.slice(0, MAX_TAGS).join(',')
  const resource = tags.length === 0 ? `${repository}@${digest}` : `${repository}:${shown}`
  const more = tags.length > MAX_TAGS ? `and ${tags.length - MAX_TAGS} more tags` : undefined
  return { operation, resourceType: 'artifact', resource, projectId, ...(more && { description: more }) }
}

function tagEntry(operation: 'create' | 'delete', { projectId, repository, tag }: Named & { tag: string }): AuditEntry {
  return { operation, resourceType: 'tag', resource: `${repository}:${tag}`, projectId }
}
