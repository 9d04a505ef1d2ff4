export { type AuditEntry, type AuditTrail, createAuditTrail } from './audit-trail.ts'
