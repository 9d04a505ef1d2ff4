export interface Reply {
  status: number
  headers: Headers
  text: string
  /** The body as JSON, or undefined. */
  body: unknown
}

/** A call as somebody: `'admin:Harbor12345'`, or nobody. */
interface Call {
  as?: string
  body?: unknown
  headers?: Record<string, string>
}

export interface TestClient {
  get(path: string, call?: Call): Promise<Reply>
  head(path: string, call?: Call): Promise<Reply>
  post(path: string, call?: Call): Promise<Reply>
  put(path: string, call?: Call): Promise<Reply>
  patch(path: string, call?: Call): Promise<Reply>
  delete(path: string, call?: Call): Promise<Reply>
}

/** For tests: speaks to a core over HTTP as clients do. Paths are below `/api/v2.0` unless they say otherwise. */
export function createClient(url: string): TestClient {
  const send = async (method: string, path: string, { as, body, headers = {} }: Call = {}): Promise<Reply> => {
    const whole = /^\/(?:api\/|c\/|devcenter|service\/|$)/.test(path) ? path : `/api/v2.0${path}`
    const isForm = body instanceof URLSearchParams
    const response = await fetch(`${url}${whole}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(as === undefined ? {} : { authorization: `Basic ${Buffer.from(as).toString('base64')}` }),
        ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : isForm || typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, body: parsed(text) }
  }
  return {
    get: (path, call) => send('GET', path, call),
    head: (path, call) => send('HEAD', path, call),
    post: (path, call) => send('POST', path, call),
    put: (path, call) => send('PUT', path, call),
    patch: (path, call) => send('PATCH', path, call),
    delete: (path, call) => send('DELETE', path, call),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
