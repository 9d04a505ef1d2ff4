import { EgressFailed, failureOf } from './refusals.ts'

const WITHOUT_BODY = new Set([101, 204, 205, 304])

interface Limits {
  /** Counted unpacked. */
  maxBytes: number
  /** Of whoever asked: what they end themselves is not a failure of the other side. */
  signal?: AbortSignal | null
}

/** The same answer, whose body ends in {@link EgressFailed} when it is too long or breaks off. */
export function limitedBody(response: Response, url: URL, limits: Limits): Response {
  const { status, statusText, headers } = response
  const source = WITHOUT_BODY.has(status) ? null : response.body
  const body = source && ReadableStream.from(counted(source, url.hostname, limits))
  const limited = new Response(body, { status, statusText, headers: [...headers] })
  Object.defineProperty(limited, 'url', { value: url.href })
  return limited
}

async function* counted(source: ReadableStream<Uint8Array>, host: string, { maxBytes, signal }: Limits) {
  let bytes = 0
  try {
    for await (const chunk of source) {
      bytes += chunk.byteLength
      if (bytes > maxBytes) throw new EgressFailed(`${host} answers with more than ${maxBytes} bytes`)
      yield chunk
    }
  } catch (err) {
    throw signal?.aborted ? err : failureOf(err, host)
  }
}
