import { pageHeaders } from '@berth/db'
import { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import { callerOf, listPage, parseQuery } from '../http/index.ts'
import type { AuditLists } from './audit-lists.ts'
import type { AuditRecord } from './audit-store.ts'

const ListQuery = z.object({ q: z.string().optional(), sort: z.string().optional() })

/** The audit log, of everything and of one project, in Harbor's older form and in its newer. */
export function auditRoutes(lists: AuditLists): Router {
  const routes = Router()

  const answerList = async (req: Request, res: Response, legacy: boolean, project?: string) => {
    const query = { ...parseQuery(ListQuery, req), legacy }
    const page = listPage(req)
    const caller = callerOf(res)
    const { records, total } =
      project === undefined ? await lists.all(caller, query, page) : await lists.ofProject(caller, project, query, page)
    res.set(pageHeaders(req.originalUrl, page, total))
    res.json(records.map(legacy ? toAuditLog : toAuditLogExt))
  }

  routes.get('/audit-logs', (req, res) => answerList(req, res, true))
  routes.get('/auditlog-exts', (req, res) => answerList(req, res, false))
  routes.get('/auditlog-exts/events', (_req, res) => {
    res.json(lists.eventTypes(callerOf(res)).map((type) => ({ event_type: type })))
  })
  routes.get('/projects/:project_name/logs', (req, res) => answerList(req, res, true, req.params.project_name))
  routes.get('/projects/:project_name/auditlog-exts', (req, res) =>
    answerList(req, res, false, req.params.project_name),
  )
  return routes
}

function toAuditLog(record: AuditRecord): Record<string, unknown> {
  return {
    id: record.id,
    username: record.username,
    resource: record.resource,
    resource_type: record.resourceType,
    operation: record.operation,
    op_time: record.occurredAt.toISOString(),
  }
}

function toAuditLogExt(record: AuditRecord): Record<string, unknown> {
  return {
    ...toAuditLog(record),
    operation_description: record.description,
    operation_result: record.succeeded,
    client_address: record.address,
    request_id: record.requestId,
  }
}
