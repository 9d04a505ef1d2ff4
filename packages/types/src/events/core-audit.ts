import { z } from 'zod'
import { defineEvent } from '../event.ts'

/** One line of the audit log, as it is forwarded. Nothing in it is a secret. */
export const AuditLine = z.object({
  /** Of the event it was made from, else its own; the same when it is sent again. */
  id: z.uuid(),
  occurredAt: z.iso.datetime(),
  username: z.string(),
  operation: z.string(),
  resourceType: z.string(),
  resource: z.string(),
  description: z.string(),
  succeeded: z.boolean(),
  projectId: z.number().int().optional(),
  address: z.string().optional(),
  requestId: z.string().optional(),
})
export type AuditLine = z.output<typeof AuditLine>

export const auditRecorded = defineEvent({
  owner: 'core',
  noun: 'audit',
  verb: 'recorded',
  summary: 'Somebody did something, or tried to; told only while the audit log is forwarded',
  data: z.object({ line: AuditLine }),
})
