import { createHash } from 'node:crypto'
import { type Answer, ask, basic, exchange } from './http.ts'
import type { Blob } from './images/blob.ts'
import type { Image, ImageIndex } from './images/image.ts'

/** An answer that is not the wanted one. */
export class Refused extends Error {
  override name = 'Refused'
  readonly status: number
  readonly answer: Answer
  constructor(what: string, answer: Answer) {
    super(`${what}: ${answer.status} ${answer.text.slice(0, 500)}`)
    this.status = answer.status
    this.answer = answer
  }
}

export interface TokenWish {
  user?: string
  password?: string
  scopes?: readonly string[]
  headers?: Record<string, string>
  timeoutMs?: number
}

/** Asks `GET /service/token` as a docker client does. */
export function askToken(base: string, wish: TokenWish): Promise<Answer> {
  const url = new URL('/service/token', base)
  url.searchParams.set('service', 'harbor-registry')
  for (const scope of wish.scopes ?? []) url.searchParams.append('scope', scope)
  const headers: Record<string, string> = { ...wish.headers }
  if (wish.user !== undefined) headers.authorization = basic(wish.user, wish.password ?? '')
  return ask(url, { headers, timeoutMs: wish.timeoutMs })
}

/** @throws {Refused} */
export async function getToken(base: string, wish: TokenWish): Promise<string> {
  const answer = await askToken(base, wish)
  if (answer.status !== 200) throw new Refused('token', answer)
  return answer.json<{ token: string }>().token
}

/**
 * A client of /v2 that holds the credential it was given and asks for no other.
 *
 * @see distribution-spec, endpoints 2 to 8
 */
export class RegistryClient {
  readonly base: string
  readonly authorization: string | undefined

  constructor(base: string, authorization?: string) {
    this.base = base
    this.authorization = authorization
  }

  headers(more: Record<string, string> = {}): Record<string, string> {
    return this.authorization === undefined ? more : { authorization: this.authorization, ...more }
  }

  url = (repository: string, rest: string): string => new URL(`/v2/${repository}/${rest}`, this.base).href

  async hasBlob(repository: string, digest: string): Promise<boolean> {
    const answer = await ask(this.url(repository, `blobs/${digest}`), { method: 'HEAD', headers: this.headers() })
    if (answer.status !== 200 && answer.status !== 404) throw new Refused(`HEAD blob ${digest}`, answer)
    return answer.status === 200
  }

  /** POST, then one PUT with the whole blob. @throws {Refused} */
  async pushBlob(repository: string, blob: Blob, timeoutMs = 600_000): Promise<void> {
    const location = await this.openUpload(repository)
    location.searchParams.set('digest', blob.digest)
    const put = await ask(location, {
      method: 'PUT',
      headers: this.headers({
        'content-type': 'application/octet-stream',
        'content-length': String(blob.sizeBytes),
      }),
      body: blob.open(),
      timeoutMs,
    })
    if (put.status !== 201) throw new Refused(`PUT blob ${blob.digest}`, put)
  }

  /** POST, one streamed PATCH without a length, an empty PUT. @throws {Refused} */
  async streamBlob(repository: string, blob: Blob, timeoutMs = 600_000): Promise<void> {
    const headers = this.headers({ 'content-type': 'application/octet-stream' })
    const patch = await ask(await this.openUpload(repository), {
      method: 'PATCH',
      headers,
      body: blob.open(),
      timeoutMs,
    })
    if (patch.status !== 202) throw new Refused(`PATCH blob ${blob.digest}`, patch)
    const location = this.location(patch)
    location.searchParams.set('digest', blob.digest)
    const put = await ask(location, {
      method: 'PUT',
      headers: { ...headers, 'content-length': '0' },
      timeoutMs,
    })
    if (put.status !== 201) throw new Refused(`PUT blob ${blob.digest}`, put)
  }

  async openUpload(repository: string): Promise<URL> {
    const post = await ask(this.url(repository, 'blobs/uploads/'), {
      method: 'POST',
      headers: this.headers({ 'content-length': '0' }),
    })
    if (post.status !== 202) throw new Refused('POST upload', post)
    return this.location(post)
  }

  /** Reads a blob to its end without keeping it. @throws {Refused} also when it is not what its digest says */
  async pullBlob(repository: string, digest: string, timeoutMs = 600_000): Promise<number> {
    const hash = createHash('sha256')
    let sizeBytes = 0
    const options = { headers: this.headers(), timeoutMs }
    await exchange(this.url(repository, `blobs/${digest}`), options, async (message) => {
      const status = message.statusCode ?? 0
      let text = ''
      for await (const chunk of message as AsyncIterable<Buffer>) {
        if (status === 200) hash.update(chunk)
        else text += chunk.toString('utf8')
        sizeBytes += chunk.length
      }
      if (status !== 200) throw new Refused(`GET blob ${digest}`, refusal(status, message.headers, text))
    }).catch((err: Error) => {
      throw err.cause instanceof Refused ? err.cause : err
    })
    const found = `sha256:${hash.digest('hex')}`
    if (found !== digest) throw new Error(`blob ${digest} came as ${found} (${sizeBytes} bytes)`)
    return sizeBytes
  }

  putManifest(
    repository: string,
    reference: string,
    content: { manifest: Blob; mediaType: string },
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return ask(this.url(repository, `manifests/${reference}`), {
      method: 'PUT',
      headers: this.headers({
        'content-type': content.mediaType,
        'content-length': String(content.manifest.sizeBytes),
        ...headers,
      }),
      body: content.manifest.open(),
    })
  }

  getManifest(repository: string, reference: string, headers: Record<string, string> = {}): Promise<Answer> {
    return ask(this.url(repository, `manifests/${reference}`), {
      headers: this.headers({
        accept: [
          'application/vnd.oci.image.index.v1+json',
          'application/vnd.oci.image.manifest.v1+json',
          'application/vnd.docker.distribution.manifest.list.v2+json',
          'application/vnd.docker.distribution.manifest.v2+json',
        ].join(', '),
        ...headers,
      }),
    })
  }

  /** Blobs the repository lacks, then the manifests, children first. @throws {Refused} */
  async pushImage(repository: string, tag: string, content: Image | ImageIndex): Promise<void> {
    const images = 'images' in content ? content.images : [content]
    for (const image of images) {
      for (const blob of [image.config, ...image.layers]) {
        if (!(await this.hasBlob(repository, blob.digest))) await this.pushBlob(repository, blob)
      }
      if (image !== content) await this.put(repository, image.manifest.digest, image)
    }
    await this.put(repository, tag, content)
  }

  /** Manifest and all blobs, every digest checked; bytes of all blobs. @throws {Refused} */
  async pullImage(repository: string, reference: string): Promise<{ digest: string; sizeBytes: number }> {
    const answer = await this.getManifest(repository, reference)
    if (answer.status !== 200) throw new Refused(`GET manifest ${reference}`, answer)
    const digest = `sha256:${createHash('sha256').update(answer.text).digest('hex')}`
    const told = answer.headers['docker-content-digest']
    if (told !== digest) throw new Error(`manifest ${reference} is ${digest}, called ${told}`)
    type Described = { digest: string }
    const body = answer.json<{ config?: Described; layers?: Described[]; manifests?: Described[] }>()
    let sizeBytes = 0
    for (const child of body.manifests ?? []) sizeBytes += (await this.pullImage(repository, child.digest)).sizeBytes
    const blobs = body.config ? [body.config, ...(body.layers ?? [])] : []
    for (const blob of blobs) sizeBytes += await this.pullBlob(repository, blob.digest)
    return { digest, sizeBytes }
  }

  private async put(repository: string, reference: string, content: Image | ImageIndex): Promise<void> {
    const answer = await this.putManifest(repository, reference, content)
    if (answer.status !== 201) throw new Refused(`PUT manifest ${reference}`, answer)
  }

  private location(answer: Answer): URL {
    const { location } = answer.headers
    if (location === undefined) throw new Refused('no Location', answer)
    return new URL(location, this.base)
  }
}

function refusal(status: number, headers: Answer['headers'], text: string): Answer {
  return { status, headers, text, tookMs: 0, json: <T>() => JSON.parse(text) as T }
}
