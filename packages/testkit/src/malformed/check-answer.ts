import { isErrorCode } from '@berth/errors'
import type { RawRequest } from './malformed-request.ts'
import type { RawAnswer } from './raw-http.ts'

/**
 * What is wrong with an answer to whatever was asked of `/v2`; undefined when nothing is. An error is never a 5xx, and is
 * the JSON of the distribution API, with a code of it.
 *
 * @see distribution-spec, "Error codes"
 */
export function whatIsWrong(request: RawRequest, answer: RawAnswer | undefined): string | undefined {
  // Half a request, or what is no HTTP, may be answered with nothing.
  if (answer === undefined) return request.isTorn ? undefined : 'no answer'
  const { status, headers, body } = answer
  if (!(status >= 200 && status < 500)) return `status ${status}`
  const length = headers.get('content-length')
  // What could not be read as a request has no method either; its answer is written by hand, without a date.
  const wasRead = status < 400 || headers.has('date')
  if (request.method === 'HEAD' && wasRead) return body.length > 0 ? 'a body after HEAD' : undefined
  if (length !== undefined && status !== 304 && Number(length) !== body.length) {
    return `${body.length} bytes instead of ${length}`
  }
  return status >= 400 ? whatIsWrongWithError(answer) : undefined
}

function whatIsWrongWithError({ status, headers, body }: RawAnswer): string | undefined {
  // Refused by the parser, before anybody of ours has seen it.
  if ((status === 400 || status === 431) && body.length === 0 && !headers.has('date')) return undefined
  if (!/^application\/json\b/.test(headers.get('content-type') ?? ''))
    return `an error of type ${headers.get('content-type')}`
  const errors = errorsIn(body)
  if (errors === undefined || errors.length === 0) return 'an error that is not in the shape of errors'
  const strange = errors.find(({ code, message }) => !isErrorCode(String(code)) || typeof message !== 'string')
  return strange && `an error with the code ${String(strange.code)}`
}

function errorsIn(body: Buffer): { code?: unknown; message?: unknown }[] | undefined {
  try {
    const { errors } = JSON.parse(body.toString('utf8')) as { errors?: unknown }
    return Array.isArray(errors) ? errors : undefined
  } catch {
    return undefined
  }
}
