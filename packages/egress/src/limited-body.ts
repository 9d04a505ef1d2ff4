import { EgressFailed } from './refusals.ts'

const WITHOUT_BODY = new Set([101, 204, 205, 304])

/** The same answer, whose body ends in an error once it has more than `maxBytes`, counted unpacked. */
export function limitedBody(response: Response, url: URL, maxBytes: number): Response {
  const { status, statusText, headers } = response
  const body = WITHOUT_BODY.has(status) ? null : (response.body?.pipeThrough(counting(url.hostname, maxBytes)) ?? null)
  const limited = new Response(body, { status, statusText, headers: [...headers] })
  Object.defineProperty(limited, 'url', { value: url.href })
  return limited
}

function counting(host: string, maxBytes: number): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.byteLength
      if (bytes > maxBytes) controller.error(new EgressFailed(`${host} answers with more than ${maxBytes} bytes`))
      else controller.enqueue(chunk)
    },
  })
}
