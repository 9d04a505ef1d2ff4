/** A call, as it is written on the wire; the path is below `/api/v2.0` and stays as it is. */
export interface Call {
  method: string
  path: string
  /** `name:password` */
  as?: string
  body?: unknown
  headers?: Record<string, string>
}

export interface Answer {
  status: number
  headers: Headers
  text: string
  /** The body as JSON, or undefined. */
  body: unknown
}

/** Asks a core. */
export async function ask(url: string, { method, path, as, body, headers = {} }: Call): Promise<Answer> {
  const response = await fetch(`${url}/api/v2.0${path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(as === undefined ? {} : { authorization: `Basic ${Buffer.from(as).toString('base64')}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: parsed(text) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
