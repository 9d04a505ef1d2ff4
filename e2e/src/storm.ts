import { chance } from './chance.ts'
import { ask, Cut } from './http.ts'
import { type Blob, blobOf, jsonBlob, noise } from './images/blob.ts'
import { OCI_MANIFEST } from './images/image.ts'
import { sleep } from './process.ts'
import { Refused, type RegistryClient } from './registry-client.ts'

/** Layers everybody's images are made of, so that they meet in them. */
export function layerPool(count: number): Blob[] {
  return Array.from({ length: count }, (_, n) => blobOf(Buffer.concat([...noise(4_000 + n * 7_001, `pool ${n}`)])))
}

interface Kept {
  manifest: Blob
  config: Blob
  layers: Blob[]
}

/**
 * One writer of one repository and what it believes is there. Only what was answered is believed; after a failure the
 * tag or manifest it was about is forgotten, because nobody knows.
 */
export class Tenant {
  readonly repository: string
  /** Manifests answered 201 and not deleted since, by digest. */
  readonly alive = new Map<string, Kept>()
  readonly tags = new Map<string, string>()
  /** Every digest that was ever sent. */
  readonly sent = new Set<string>()
  readonly losses: string[] = []
  readonly counts = { push: 0, retag: 0, untag: 0, delete: 0, pull: 0, failed: 0, mounted: 0, skipped: 0 }
  readonly #client: RegistryClient
  readonly #pool: readonly Blob[]
  readonly #others: readonly string[]
  readonly #next: (below: number) => number
  #count = 0

  constructor(client: RegistryClient, repository: string, pool: readonly Blob[], others: readonly string[]) {
    this.#client = client
    this.repository = repository
    this.#pool = pool
    this.#others = others
    this.#next = chance(repository)
  }

  /** Does one thing after the other until told to stop. Only a loss or an error of our own ends it early. */
  async work(going: () => boolean): Promise<void> {
    const acts = [this.#push, this.#push, this.#push, this.#retag, this.#untag, this.#delete, this.#delete, this.#pull]
    while (going()) {
      const act = acts[this.#next(acts.length)]
      try {
        await act?.call(this)
      } catch (err) {
        if (!(err instanceof Refused) && !(err instanceof Cut)) throw err
        this.counts.failed += 1
        await sleep(100)
      }
    }
  }

  /** Everything believed alive is pulled, and every digest compared. */
  async verify(): Promise<void> {
    for (const digest of this.alive.keys()) await this.#mustPull(digest)
    for (const [tag, digest] of this.tags) {
      const answer = await this.#client.getManifest(this.repository, tag)
      const found = answer.headers['docker-content-digest']
      if (found !== digest) this.losses.push(`${this.repository}:${tag} is ${found ?? answer.status}, not ${digest}`)
    }
  }

  async #push(): Promise<void> {
    this.#count += 1
    const name = `${this.repository} ${this.#count}`
    const config = jsonBlob({ architecture: 'amd64', os: 'linux', name })
    const first = this.#next(this.#pool.length)
    const layers = this.#pool.slice(first, first + 1 + this.#next(3))
    const describe = (blob: Blob, mediaType: string): object => ({
      mediaType,
      digest: blob.digest,
      size: blob.sizeBytes,
    })
    const manifest = jsonBlob({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: describe(config, 'application/vnd.oci.image.config.v1+json'),
      layers: layers.map((layer) => describe(layer, 'application/vnd.oci.image.layer.v1.tar')),
    })
    for (const blob of [config, ...layers]) await this.#bring(blob)
    this.sent.add(manifest.digest)
    await this.#put(`t${this.#next(8)}`, { manifest, config, layers })
    this.counts.push += 1
  }

  /** HEAD, else a mount, else an upload: as clients do. */
  async #bring(blob: Blob): Promise<void> {
    if (await this.#client.hasBlob(this.repository, blob.digest)) {
      this.counts.skipped += 1
      return
    }
    const from = this.#others[this.#next(this.#others.length)]
    if (from !== undefined && this.#next(2) === 0) {
      const query = `?mount=${blob.digest}&from=${encodeURIComponent(from)}`
      const url = this.#client.url(this.repository, `blobs/uploads/${query}`)
      const headers = this.#client.headers({ 'content-length': '0' })
      const mount = await ask(url, { method: 'POST', headers })
      if (mount.status === 201) {
        this.counts.mounted += 1
        return
      }
      if (mount.status !== 202) throw new Refused('mount', mount)
    }
    await this.#client.pushBlob(this.repository, blob)
  }

  async #put(tag: string, image: Kept): Promise<void> {
    this.tags.delete(tag)
    const content = { manifest: image.manifest, mediaType: OCI_MANIFEST }
    const answer = await this.#client.putManifest(this.repository, tag, content)
    if (answer.status !== 201) throw new Refused(`PUT manifest ${tag}`, answer)
    this.alive.set(image.manifest.digest, image)
    this.tags.set(tag, image.manifest.digest)
  }

  async #retag(): Promise<void> {
    const image = this.#any()
    if (!image) return
    try {
      await this.#put(`t${this.#next(8)}`, image)
    } catch (err) {
      if (err instanceof Refused && err.status < 500) this.losses.push(`${this.repository}: ${err.message}`)
      throw err
    }
    this.counts.retag += 1
  }

  async #untag(): Promise<void> {
    const tag = [...this.tags.keys()][this.#next(Math.max(1, this.tags.size))]
    if (tag === undefined) return
    this.tags.delete(tag)
    await this.#remove(tag)
    this.counts.untag += 1
  }

  async #delete(): Promise<void> {
    const image = this.#any()
    if (!image) return
    const { digest } = image.manifest
    this.alive.delete(digest)
    for (const [tag, held] of this.tags) if (held === digest) this.tags.delete(tag)
    await this.#remove(digest)
    this.counts.delete += 1
  }

  async #remove(reference: string): Promise<void> {
    const url = this.#client.url(this.repository, `manifests/${reference}`)
    const answer = await ask(url, { method: 'DELETE', headers: this.#client.headers() })
    if (answer.status !== 202) throw new Refused(`DELETE manifest ${reference}`, answer)
  }

  async #pull(): Promise<void> {
    const image = this.#any()
    if (!image) return
    await this.#mustPull(image.manifest.digest)
    this.counts.pull += 1
  }

  async #mustPull(digest: string): Promise<void> {
    try {
      await this.#client.pullImage(this.repository, digest)
    } catch (err) {
      const passing = err instanceof Cut || (err instanceof Refused && err.status >= 500)
      if (!passing)
        this.losses.push(`${this.repository}@${digest}: ${err instanceof Error ? err.message : String(err)}`)
      else throw err
    }
  }

  #any(): Kept | undefined {
    return [...this.alive.values()][this.#next(Math.max(1, this.alive.size))]
  }
}
