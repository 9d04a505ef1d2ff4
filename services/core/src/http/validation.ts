import { STATUS_CODES } from 'node:http'
import type { OpenApiDocument } from '@berth/api'
import { BadRequest, DomainError, type ErrorCode, MethodNotAllowed, NotFound, Unprocessable } from '@berth/errors'
import { type ErrorRequestHandler, type RequestHandler, Router } from 'express'
import { middleware } from 'express-openapi-validator'
import { z } from 'zod'

type ApiSpec = Parameters<typeof middleware>[0]['apiSpec']

/**
 * Holds requests below the document's base path to it; answers too with `answers`, for tests. The validator tries one
 * path of its document after the other, with each request: it is given those alone that are as long as what was asked.
 */
export function validated(document: OpenApiDocument, options: { answers: boolean }): RequestHandler {
  const whole = prepared(document)
  const byLength = Map.groupBy(Object.entries(whole.paths), ([path]) => lengthOf(path))
  const routers = new Map(
    [...byLength].map(([length, paths]) => [length, held(whole, Object.fromEntries(paths), options)]),
  )
  return (req, res, next) => {
    const router = routers.get(lengthOf(req.path))
    if (router === undefined) throw new NotFound('no such path')
    router(req, res, next)
  }
}

/** Segments of a path. */
const lengthOf = (path: string): number => path.split('/').filter(Boolean).length

function held(document: OpenApiDocument, paths: OpenApiDocument['paths'], options: { answers: boolean }): Router {
  const handlers = middleware({
    // It changes what it is given; and its own type is narrower than any document that was parsed.
    apiSpec: structuredClone({ ...document, paths }) as unknown as ApiSpec,
    validateRequests: { allowUnknownQueryParameters: true },
    validateResponses: options.answers,
    validateSecurity: false,
    validateApiSpec: false,
  })
  return Router().use(...(handlers as unknown as RequestHandler[]))
}

/**
 * Harbor's clients write `q=name=~x` and `scope=/project/1` as they stand; the validator would want them escaped. And
 * what it takes for a body that need not be there is only one that says so. A slash at the end of a path may be there or
 * not, also of one that has it in the document.
 */
function prepared(document: OpenApiDocument): OpenApiDocument {
  const copy = structuredClone(document)
  copy.paths = Object.fromEntries(Object.entries(copy.paths).map(([path, item]) => [path.replace(/\/$/, ''), item]))
  for (const { requestBody } of Object.values(copy.paths).flatMap((item) => Object.values(item))) {
    if (requestBody instanceof Object && !('required' in requestBody)) Object.assign(requestBody, { required: false })
  }
  const parameters = [
    ...Object.values(copy.components.parameters ?? {}),
    ...Object.values(copy.paths).flatMap((item) =>
      Object.values(item).flatMap((node) =>
        Array.isArray(node) ? node : ((node.parameters ?? []) as (typeof node)[]),
      ),
    ),
  ]
  for (const parameter of parameters) if (parameter.in === 'query') parameter.allowReserved = true
  return copy
}

const Thrown = z.object({
  status: z.number().int(),
  message: z.string().default(''),
  type: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string(), errorCode: z.string().optional() })).optional(),
  headers: z.object({ Allow: z.string().optional() }).optional().catch(undefined),
})
type Thrown = z.output<typeof Thrown>

class BodyTooLarge extends DomainError {
  override name = 'BodyTooLarge'
  readonly code: ErrorCode = 'REQUEST_ENTITY_TOO_LARGE'
}

class MediaTypeUnsupported extends DomainError {
  override name = 'MediaTypeUnsupported'
  readonly code: ErrorCode = 'UNSUPPORTED'
}

/** Turns what express, its body parser and the validator throw into errors of ours; the rest goes on as it is. */
export const translateErrors: ErrorRequestHandler = (err, _req, res, next) => {
  if (err instanceof DomainError) return next(err)
  const thrown = Thrown.safeParse(err)
  if (thrown.data?.headers?.Allow && !res.headersSent) res.set('Allow', thrown.data.headers.Allow)
  next(thrown.success && thrown.data.status < 500 ? translated(thrown.data) : err)
}

function translated(thrown: Thrown): DomainError {
  const message = thrown.message.slice(0, 500) || (STATUS_CODES[thrown.status] ?? 'bad request')
  switch (thrown.status) {
    case 404:
      return new NotFound('no such path')
    case 405:
      return new MethodNotAllowed('no such method on this path')
    case 413:
      return new BodyTooLarge('the body is too large')
    case 415:
      return new MediaTypeUnsupported(message, { status: 415 })
    default:
      return isValueProblem(thrown) ? new Unprocessable(message) : new BadRequest(message)
  }
}

/**
 * As in Harbor: what cannot be read, a path that cannot be decoded, a body that is no JSON or has the wrong types, is
 * 400; what was read and breaks a rule, and everything wrong with parameters, is 422.
 */
function isValueProblem({ type, errors, message }: Thrown): boolean {
  if (type !== undefined || errors === undefined || message.startsWith('malformed uri')) return false
  return errors.some(({ path, errorCode }) => !path.startsWith('/body') || !errorCode?.startsWith('type.'))
}
