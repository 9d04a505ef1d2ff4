import { MANIFEST_TYPE, sha256, type TestImage } from '@berth/testkit'

/** One who speaks the distribution API to one replica about one repository. */
export class RegistryClient {
  readonly url: string
  readonly name: string
  readonly headers: Record<string, string>

  constructor(url: string, name: string, authorization: string | undefined) {
    this.url = url
    this.name = name
    this.headers = authorization === undefined ? {} : { authorization }
  }

  fetch(path: string, init: RequestInit & { duplex?: 'half' } = {}): Promise<Response> {
    const url = path.startsWith('http') ? path : `${this.url}/v2/${this.name}/${path}`
    return fetch(url, {
      redirect: 'manual',
      ...init,
      headers: { ...this.headers, ...(init.headers as Record<string, string>) },
    })
  }

  async startUpload(): Promise<string> {
    const answered = await this.fetch('blobs/uploads/', { method: 'POST' })
    await answered.arrayBuffer()
    if (answered.status !== 202) throw new Error(`POST was answered with ${answered.status}`)
    return answered.headers.get('location') ?? ''
  }

  patch(location: string, body: Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch(location, { method: 'PATCH', body: body as Uint8Array<ArrayBuffer>, headers })
  }

  put(location: string, digest: string, body?: Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
    const url = `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`
    return this.fetch(url, { method: 'PUT', headers, ...(body && { body: body as Uint8Array<ArrayBuffer> }) })
  }

  /** POST, PATCH, PUT: as docker does it. */
  async pushBlob(bytes: Uint8Array): Promise<Response> {
    const location = await this.startUpload()
    const patched = await this.patch(location, bytes)
    if (patched.status !== 202) return patched
    return this.put(patched.headers.get('location') ?? '', sha256(bytes))
  }

  postBlob(bytes: Uint8Array, digest = sha256(bytes)): Promise<Response> {
    return this.fetch(`blobs/uploads/?digest=${digest}`, { method: 'POST', body: bytes as Uint8Array<ArrayBuffer> })
  }

  putManifest(reference: string, bytes: Uint8Array, type = MANIFEST_TYPE): Promise<Response> {
    return this.fetch(`manifests/${reference}`, {
      method: 'PUT',
      body: bytes as Uint8Array<ArrayBuffer>,
      headers: { 'content-type': type },
    })
  }

  /** Blobs first, then the manifest. */
  async pushImage(image: TestImage, reference: string = image.digest): Promise<Response> {
    for (const blob of [image.config, ...image.layers]) {
      const answered = await this.postBlob(blob)
      if (answered.status !== 201) return answered
    }
    return this.putManifest(reference, image.manifest)
  }
}

export async function codeOf(response: Response): Promise<string> {
  const body = (await response.json()) as { errors: { code: string }[] }
  return body.errors[0]?.code ?? ''
}
