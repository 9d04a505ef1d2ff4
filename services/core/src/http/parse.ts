import { type Page, pageOf } from '@berth/db'
import { BadRequest, Unprocessable } from '@berth/errors'
import type { Request, Response } from 'express'
import { z } from 'zod'
import { ANONYMOUS, type Caller } from '../caller/caller.ts'

interface Locals {
  caller?: Caller
  isBrowser?: true
}

export function setCaller(res: Response, caller: Caller): void {
  const locals: Locals = res.locals
  locals.caller = caller
}

/** Who the request comes from, as found out before any route sees it. */
export function callerOf(res: Response): Caller {
  const locals: Locals = res.locals
  return locals.caller ?? ANONYMOUS
}

/** Notes that a change was asked for by one of our pages: its CSRF token was right. */
export function setBrowser(res: Response): void {
  const locals: Locals = res.locals
  locals.isBrowser = true
}

/** Whether one of our pages in a browser asks for this change, rather than a client that signs in with each request. */
export function isBrowser(res: Response): boolean {
  const locals: Locals = res.locals
  return locals.isBrowser === true
}

/** @throws {BadRequest} the body is not of this shape */
export function parseBody<S extends z.ZodType>(shape: S, req: Request): z.output<S> {
  const parsed = shape.safeParse(req.body ?? {})
  if (parsed.success) return parsed.data
  throw new BadRequest(`the body does not fit: ${z.prettifyError(parsed.error)}`)
}

/** @throws {Unprocessable} the query is not of this shape */
export function parseQuery<S extends z.ZodType>(shape: S, req: Request): z.output<S> {
  const parsed = shape.safeParse(req.query)
  if (parsed.success) return parsed.data
  throw new Unprocessable(`the query does not fit: ${z.prettifyError(parsed.error)}`)
}

/** A whole number in the path, such as an id. */
export function pathNumber(req: Request, name: string): number {
  const text = String(req.params[name])
  const value = Number(text)
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new Unprocessable(`${name} in path must be a whole number`)
  return value
}

const PageQuery = z.object({ page: z.coerce.number().optional(), page_size: z.coerce.number().optional() })

/** @throws {Unprocessable} a page that cannot be */
export function listPage(req: Request): Page {
  const { page, page_size: pageSize } = parseQuery(PageQuery, req)
  return pageOf({ page, pageSize })
}
