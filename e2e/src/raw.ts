import { request } from 'node:http'

export interface RawAnswer {
  status: number
  text: string
}

/** One request whose path goes out byte for byte as it is written here, dots, slashes, escapes and all. */
export function askRaw(
  base: string,
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, method, path, headers, agent: false, timeout: 20_000 }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      answer.once('error', reject)
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, text }))
    })
    asked.once('timeout', () => asked.destroy(new Error(`no answer to ${method} ${path}`)))
    asked.once('error', reject)
    asked.end()
  })
}
