import { type Descriptor, isRequired, parseDescriptor } from './descriptor.ts'
import { foldedKeys, optionalAnnotations, optionalArray, optionalString, refuseLookalikes } from './json-fields.ts'
import { ManifestInvalid, ManifestTooLarge, ManifestUnsupported } from './manifest-invalid.ts'
import { parseMediaType, requireSameType, typeInside } from './manifest-type.ts'
import { isDockerSchema1, isImageType, isIndexType, MEDIA_TYPE } from './media-types.ts'
import { type Platform, parsePlatform } from './platform.ts'
import { isJsonObject, type JsonObject, parseStrictJson } from './strict-json.ts'

/** 4 MiB; as large as any client may count on. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024
export const MAX_INDEX_ENTRIES = 10_000

interface ManifestFacts {
  /** As pushed, lower-case, without parameters; what a GET answers as Content-Type. */
  readonly mediaType: string
  readonly sizeBytes: number
  readonly artifactType?: string
  readonly annotations: Readonly<Record<string, string>>
  readonly subject?: Descriptor
  /** The blobs that must be in the repository before this manifest is: each digest once, in the order named. */
  blobs(): readonly Descriptor[]
}

/** Names blobs. `config` is absent in the withdrawn OCI artifact manifest only, whose `blobs` are the layers here. */
export interface ImageManifest extends ManifestFacts {
  readonly kind: 'image'
  readonly config?: Descriptor
  readonly layers: readonly Descriptor[]
}

/** Names other manifests; build caches put blobs there as well, told by the media type of the entry. */
export interface IndexManifest extends ManifestFacts {
  readonly kind: 'index'
  readonly children: readonly ChildDescriptor[]
}

/** A media type we do not know: kept as it is, nothing in it is read. */
export interface OpaqueManifest extends ManifestFacts {
  readonly kind: 'opaque'
}

export type Manifest = ImageManifest | IndexManifest | OpaqueManifest

export interface ChildDescriptor extends Descriptor {
  readonly platform?: Platform
}

const KEYS = foldedKeys(
  'schemaVersion',
  'mediaType',
  'artifactType',
  'config',
  'layers',
  'blobs',
  'manifests',
  'subject',
  'annotations',
)
/**
 * Reads a manifest as pushed. The bytes stay the truth; this says what they mean, so that no two readers disagree:
 * keys given twice or in another case, a `mediaType` unlike the Content-Type, and documents that are image and index
 * at once are refused. Without a Content-Type the `mediaType` member decides, and without that the shape.
 *
 * @param contentType the request's header, parameters and all
 * @throws {ManifestTooLarge} more than {@link MAX_MANIFEST_BYTES}
 * @throws {ManifestUnsupported} Docker schema 1
 * @throws {ManifestInvalid} anything else that is wrong; nothing but these three is ever thrown
 * @see image-spec, manifest.md and image-index.md; distribution-spec, "Pushing manifests"
 */
export function parseManifest(bytes: Uint8Array, contentType: string | undefined): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) throw new ManifestTooLarge(MAX_MANIFEST_BYTES)
  if (bytes.length === 0) throw new ManifestInvalid('empty')
  const declared = contentType?.trim() ? parseMediaType(contentType) : undefined
  if (declared !== undefined && isDockerSchema1(declared)) throw new ManifestUnsupported(declared)
  if (declared !== undefined && !isImageType(declared) && !isIndexType(declared)) return opaque(bytes, declared)
  const document = parseStrictJson(bytes)
  if (!isJsonObject(document)) throw new ManifestInvalid('not a JSON object')
  const mediaType = declared ?? typeInside(document)
  if (isDockerSchema1(mediaType)) throw new ManifestUnsupported(mediaType)
  requireSameType(document, mediaType)
  if (isIndexType(mediaType)) return index(document, mediaType, bytes.length)
  if (isImageType(mediaType)) return image(document, mediaType, bytes.length)
  return untouched(mediaType, bytes.length)
}

/** What the referrers API calls this manifest: its own type, else that of an image's config, else nothing. */
export function referrerType(manifest: Manifest): string | undefined {
  return manifest.artifactType ?? (manifest.kind === 'image' ? manifest.config?.mediaType : undefined)
}

/** The blobs an image names that need not be in the repository: not to be distributed, or to be had elsewhere. */
export function optionalBlobs(manifest: Manifest): readonly Descriptor[] {
  if (manifest.kind !== 'image') return []
  const required = new Set(manifest.blobs().map(({ digest }) => digest))
  return manifest.layers.filter(({ digest }) => !required.has(digest))
}

function untouched(mediaType: string, sizeBytes: number): OpaqueManifest {
  return { kind: 'opaque', mediaType, sizeBytes, annotations: {}, blobs: () => [] }
}

/** JSON must be strict JSON and agree with its type; what else it holds, and other bytes, are none of our business. */
function opaque(bytes: Uint8Array, mediaType: string): OpaqueManifest {
  const document = readsAsJson(bytes, mediaType)
  if (isJsonObject(document)) requireSameType(document, mediaType)
  return untouched(mediaType, bytes.length)
}

function readsAsJson(bytes: Uint8Array, mediaType: string): unknown {
  try {
    return parseStrictJson(bytes)
  } catch (err) {
    if (mediaType.endsWith('json') || !(err instanceof ManifestInvalid)) throw err
    return undefined
  }
}

function image(document: JsonObject, mediaType: string, sizeBytes: number): ImageManifest {
  const isArtifact = mediaType === MEDIA_TYPE.ociArtifact
  refuseLookalikes(document, KEYS, '')
  if (has(document, 'manifests')) throw new ManifestInvalid('an image has no manifests', 'manifests')
  requireHead(document, mediaType)
  const config = has(document, 'config') && !isArtifact ? parseDescriptor(document.config, 'config') : undefined
  if (config === undefined && !isArtifact) throw new ManifestInvalid('is required', 'config')
  const listed = isArtifact ? 'blobs' : 'layers'
  const layers = (optionalArray(document, listed, '') ?? []).map((entry, i) =>
    parseDescriptor(entry, `${listed}[${i}]`),
  )
  const required = onceEach(config === undefined ? layers : [config, ...layers])
  return {
    kind: 'image',
    ...commonFacts(document, mediaType, sizeBytes),
    ...(config && { config }),
    layers,
    blobs: () => required,
  }
}

function index(document: JsonObject, mediaType: string, sizeBytes: number): IndexManifest {
  refuseLookalikes(document, KEYS, '')
  requireHead(document, mediaType)
  for (const key of ['config', 'layers']) {
    if (has(document, key)) throw new ManifestInvalid(`an index has no ${key}`, key)
  }
  if (!Object.hasOwn(document, 'manifests')) throw new ManifestInvalid('is required', 'manifests')
  const entries = optionalArray(document, 'manifests', '') ?? []
  if (entries.length > MAX_INDEX_ENTRIES) {
    throw new ManifestInvalid(`more than ${MAX_INDEX_ENTRIES} entries`, 'manifests')
  }
  const children = entries.map((entry, i) => child(entry, `manifests[${i}]`))
  return { kind: 'index', ...commonFacts(document, mediaType, sizeBytes), children, blobs: () => [] }
}

function child(entry: unknown, path: string): ChildDescriptor {
  const descriptor = parseDescriptor(entry, path)
  const platform = isJsonObject(entry) ? parsePlatform(entry, path) : undefined
  return platform === undefined ? descriptor : { ...descriptor, platform }
}

function commonFacts(document: JsonObject, mediaType: string, sizeBytes: number) {
  const artifactType = optionalString(document, 'artifactType', '')
  const subject = has(document, 'subject') ? parseDescriptor(document.subject, 'subject') : undefined
  return {
    mediaType,
    sizeBytes,
    annotations: optionalAnnotations(document, '') ?? {},
    ...(artifactType && { artifactType }),
    ...(subject && { subject }),
  }
}

function requireHead(document: JsonObject, mediaType: string): void {
  const inside = optionalString(document, 'mediaType', '')
  const isDocker = mediaType.startsWith('application/vnd.docker.')
  if (isDocker && !inside) throw new ManifestInvalid('is required', 'mediaType')
  const hasVersion = mediaType !== MEDIA_TYPE.ociArtifact
  if (hasVersion && document.schemaVersion !== 2) throw new ManifestInvalid('must be 2', 'schemaVersion')
}

/** Each digest once, as far as the registry must hold it. One digest cannot have two sizes. */
function onceEach(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  const byDigest = new Map<string, Descriptor>()
  for (const descriptor of descriptors) {
    if (!isRequired(descriptor)) continue
    const known = byDigest.get(descriptor.digest)
    if (known !== undefined && known.sizeBytes !== descriptor.sizeBytes) {
      throw new ManifestInvalid(`${descriptor.digest} has two sizes`)
    }
    if (known === undefined) byDigest.set(descriptor.digest, descriptor)
  }
  return [...byDigest.values()]
}

function has(document: JsonObject, key: string): boolean {
  return document[key] !== undefined && document[key] !== null
}
