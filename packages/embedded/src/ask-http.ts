import http from 'node:http'
import https from 'node:https'

export interface HttpAnswer {
  status: number
  text: string
}

const LONGEST = 1024 * 1024

/** GET of a door of our own; its certificate may be one nobody signed. Undefined when nobody answers in time. */
export function askHttp(
  url: string,
  options: { ms?: number; headers?: Record<string, string> } = {},
): Promise<HttpAnswer | undefined> {
  const { ms = 2_000, headers = {} } = options
  return new Promise((resolve) => {
    const done = (answer?: HttpAnswer) => resolve(answer)
    const onAnswer = (res: http.IncomingMessage) => {
      let text = ''
      res.setEncoding('utf8')
      res.on('data', (chunk: string) => {
        text += chunk
        if (text.length > LONGEST) res.destroy()
      })
      res.on('close', () => done(res.complete ? { status: res.statusCode ?? 0, text } : undefined))
    }
    const common = { headers, agent: false, signal: AbortSignal.timeout(ms) } as const
    const req = url.startsWith('https:')
      ? https.get(url, { ...common, rejectUnauthorized: false }, onAnswer)
      : http.get(url, common, onAnswer)
    req.on('error', () => done())
  })
}
