import { readFileSync } from 'node:fs'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { z } from 'zod'
import type { Target } from './context/target.ts'
import { CommandFailed, NotThere, UsageError } from './exit.ts'

const ErrorBody = z.object({ errors: z.array(z.object({ code: z.string(), message: z.string() })).min(1) })

/** The suite answered, and not with what was asked for. */
export class Refused extends CommandFailed {
  override name = 'Refused'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

interface ApiRequest<Shape extends z.ZodType> {
  shape: Shape
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
}

/** Calls of one suite's HTTP API. */
export interface Api {
  /** @throws {NotThere} 404; {Refused} any other status that is not 2xx; {CommandFailed} not reachable, or not ours */
  call<Shape extends z.ZodType>(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    request: ApiRequest<Shape>,
  ): Promise<{ value: z.output<Shape>; headers: Headers }>
}

const TIMEOUT_MS = 30_000

/** `anonymous`: without credentials; otherwise a missing password is a {UsageError}. */
export function openApi(target: Target, options: { anonymous?: boolean } = {}): Api {
  if (target.caFile) trust(target.caFile)
  const authorization = options.anonymous ? undefined : basic(target)
  return {
    async call(method, path, { shape, body, headers, signal }) {
      const response = await send(new URL(`${target.url}${path}`), {
        method,
        headers: {
          accept: 'application/json',
          ...(authorization && { authorization }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        redirect: 'error',
        signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])]),
      })
      const text = await response.text()
      if (!response.ok) throw refusal(response.status, text, path)
      return { value: parse(text, shape, target.url), headers: response.headers }
    },
  }
}

function basic({ name, username, password }: Target): string {
  if (!username || !password) {
    throw new UsageError(`no ${username ? 'password' : 'user'} for ${name}: set BERTH_USERNAME and BERTH_PASSWORD`)
  }
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

async function send(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (err) {
    if (init.signal?.aborted && (init.signal.reason as Error).name !== 'TimeoutError') throw err
    throw new CommandFailed(`cannot reach ${url.origin}: ${causeOf(err)}`, { cause: err })
  }
}

function causeOf(err: unknown): string {
  const { cause, message, name } = err as Error
  if (name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`
  if (cause instanceof Error) return (cause as NodeJS.ErrnoException).code ?? cause.message
  return message
}

function refusal(status: number, text: string, path: string): Error {
  const body = ErrorBody.safeParse(jsonOf(text))
  const said = body.success ? body.data.errors.map((one) => one.message).join('; ') : `status ${status}`
  if (status === 404) return new NotThere(body.success ? said : `${path} is not there`)
  if (status === 401) return new Refused(status, `the suite does not know who we are: ${said}`)
  return new Refused(status, said)
}

function parse<Shape extends z.ZodType>(text: string, shape: Shape, url: string): z.output<Shape> {
  const result = shape.safeParse(jsonOf(text))
  if (result.success) return result.data
  throw new CommandFailed(`${url} does not answer as a suite of ours does`, { cause: result.error })
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const trusted = new Set<string>()

function trust(caFile: string): void {
  if (trusted.has(caFile)) return
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(caFile, 'utf8')])
  trusted.add(caFile)
}
