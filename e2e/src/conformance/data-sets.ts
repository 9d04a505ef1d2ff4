import { type Algorithm, type Content, contentOf, type Descriptor, describeContent, freshContent } from './content.ts'

export const IMAGE = 'application/vnd.oci.image.manifest.v1+json'
export const INDEX = 'application/vnd.oci.image.index.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'
const EMPTY = 'application/vnd.oci.empty.v1+json'
const EXAMPLE_ONE = 'application/vnd.example.one.v1'
const EXAMPLE_TWO = 'application/vnd.example.two.v1+json'
const DOCKER_IMAGE = 'application/vnd.docker.distribution.manifest.v2+json'
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
const AMD = { os: 'linux', architecture: 'amd64' }
const ARM = { os: 'linux', architecture: 'arm64' }

export interface Manifest extends Content {
  mediaType: string
  tags: string[]
  /** Digest of the manifest it points at. */
  subject?: string
  /** What the referrers of its subject are to say of it. */
  descriptor: Descriptor
}

/** Pushed, listed, pulled, asked for referrers and deleted as one. Manifests stand in the order they are pushed in. */
export interface DataSet {
  name: string
  blobs: Content[]
  manifests: Manifest[]
}

interface Wish {
  mediaType?: string
  artifactType?: string
  subject?: Descriptor
  annotations?: Record<string, string>
  tags?: string[]
  /** Further fields of the document. */
  extra?: Record<string, unknown>
}

class Builder {
  readonly set: DataSet
  readonly algorithm: Algorithm

  constructor(name: string, algorithm: Algorithm = 'sha256') {
    this.set = { name, blobs: [], manifests: [] }
    this.algorithm = algorithm
  }

  blob(bytes: Buffer, mediaType: string): Descriptor {
    const content = contentOf(bytes, this.algorithm)
    if (!this.set.blobs.some((known) => known.digest === content.digest)) this.set.blobs.push(content)
    return describeContent(content, mediaType)
  }

  layer(): Descriptor {
    return this.blob(freshContent(700, this.algorithm).bytes, LAYER)
  }

  config(platform = AMD): Descriptor {
    const rootfs = { type: 'layers', diff_ids: [freshContent(1, 'sha256').digest] }
    return this.blob(Buffer.from(JSON.stringify({ ...platform, rootfs })), CONFIG)
  }

  document(body: Record<string, unknown>, wish: Wish): Descriptor {
    const { mediaType = '', artifactType, subject, annotations, extra } = wish
    const bytes = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType, artifactType, ...body, subject, annotations, ...extra }),
    )
    const content = contentOf(bytes, this.algorithm)
    const type = artifactType ?? (body.config as Descriptor | undefined)?.mediaType
    const descriptor: Descriptor = { ...describeContent(content, mediaType) }
    const told = { ...descriptor, ...(type && { artifactType: type }), ...(annotations && { annotations }) }
    const manifest = { ...content, mediaType, tags: wish.tags ?? [], descriptor: told }
    this.set.manifests.push(subject ? { ...manifest, subject: subject.digest } : manifest)
    return descriptor
  }

  image(wish: Wish = {}, layers = [this.layer(), this.layer()], config = this.config()): Descriptor {
    return this.document({ config, layers }, { mediaType: IMAGE, ...wish })
  }

  artifact(artifactType: string, wish: Wish = {}): Descriptor {
    const layers = [this.blob(freshContent(300, this.algorithm).bytes, artifactType)]
    return this.image({ artifactType, ...wish }, layers, this.blob(Buffer.from('{}'), EMPTY))
  }

  index(wish: Wish = {}, images: Descriptor[] = this.pair()): Descriptor {
    return this.document({ manifests: images }, { mediaType: INDEX, ...wish })
  }

  pair(): Descriptor[] {
    return [AMD, ARM].map((platform) => ({
      ...this.image({}, [this.layer()], this.config(platform)),
      platform,
    }))
  }
}

function built(name: string, build: (make: Builder) => unknown, algorithm?: Algorithm): DataSet {
  const make = new Builder(name, algorithm)
  build(make)
  return make.set
}

/** A manifest of a little under 3.9 MB, which every registry should take. */
function large(make: Builder): Descriptor {
  const annotations = Object.fromEntries(Array.from({ length: 385 }, (_, n) => [`large-${n}`, 'A'.repeat(10_000)]))
  return make.image({ tags: ['large'], annotations })
}

function undistributable(make: Builder): Descriptor {
  const foreign = freshContent(100, 'sha256')
  const urls = [`https://store.example.com/${foreign.digest}`]
  const type = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'
  return make.image({ tags: ['foreign'] }, [{ ...describeContent(foreign, type), urls }, make.layer()])
}

function referrersOf(make: Builder, subject: Descriptor): void {
  make.image({ subject })
  make.artifact(EXAMPLE_ONE, { subject, tags: ['artifact-one'], annotations: { 'org.example.n': 'one' } })
  make.artifact(EXAMPLE_TWO, { subject, tags: ['artifact-two'], annotations: { 'org.example.n': 'two' } })
  make.index({ subject, artifactType: EXAMPLE_ONE, annotations: { 'org.example.n': 'three' } })
  make.index({ subject, annotations: { 'org.example.n': 'four' } }, [])
}

function docker(make: Builder): void {
  const images = [AMD, ARM].map((platform) => {
    const config = { ...make.config(platform), mediaType: 'application/vnd.docker.container.image.v1+json' }
    const layers = [{ ...make.layer(), mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' }]
    return { ...make.image({ mediaType: DOCKER_IMAGE, tags: [platform.architecture] }, layers, config), platform }
  })
  make.index({ mediaType: DOCKER_LIST, tags: ['list'] }, images)
}

function withData(make: Builder): Descriptor {
  const bytes = Buffer.from('{"inline":true}')
  const inline = { ...make.blob(bytes, CONFIG), data: bytes.toString('base64') }
  return make.image({ tags: ['data'] }, [make.layer()], inline)
}

/** The kinds of content there are, each with bytes of its own. `dev` adds what the main branch does. */
export function dataSets(profile: 'stable' | 'dev'): DataSet[] {
  const extra = { 'org.example.custom': { any: ['thing', 1, null] } }
  const many = Array.from({ length: 10 }, (_, n) => `many-${n}`)
  const sets = [
    built('an image', (make) => make.image({ tags: ['image'] })),
    built('a manifest of 3.9 MB', large),
    built('an index', (make) => make.index({ tags: ['index'] })),
    built('a nested index', (make) => make.index({ tags: ['nested'] }, [make.index(), make.index()])),
    built('an empty index', (make) => make.index({ tags: ['empty-index'] }, [])),
    built('an artifact', (make) => make.artifact(EXAMPLE_ONE, { tags: ['artifact'] })),
    built('an index of artifacts', (make) =>
      make.index({ tags: ['artifacts'], artifactType: EXAMPLE_ONE }, [make.artifact(EXAMPLE_ONE)]),
    ),
    built('an artifact without layers', (make) => {
      const empty = make.blob(Buffer.from('{}'), EMPTY)
      return make.image({ tags: ['no-content'], artifactType: EXAMPLE_ONE }, [empty], empty)
    }),
    built('an image and what refers to it', (make) => referrersOf(make, make.image({ tags: ['subject'] }))),
    built('an index and what refers to it', (make) => referrersOf(make, make.index({ tags: ['subject-index'] }))),
    built('what refers to something missing', (make) =>
      referrersOf(make, describeContent(freshContent(123, 'sha256'), IMAGE)),
    ),
    built('a descriptor with data', withData),
    built('layers that are not distributed', undistributable),
    built('fields nobody knows', (make) => make.index({ tags: ['custom'], extra })),
    built('an image without layers', (make) => make.image({ tags: ['no-layers'] }, [])),
    built('docker images and their list', docker),
    built('sha512', (make) => make.index({}), 'sha512'),
  ]
  if (profile === 'stable') return sets
  return [
    ...sets,
    built('several tags at once', (make) => make.index({ tags: many })),
    built('several tags at once, sha512', (make) => make.index({ tags: many }), 'sha512'),
  ]
}
