import { type Digest, findDigest, type ImageManifest, type Manifest, MEDIA_TYPE } from '@berth/oci'

type AccessoryType =
  | 'signature.cosign'
  | 'signature.notation'
  | 'accelerator.nydus'
  | 'sbom.harbor'
  | 'subject.accessory'

export interface Accessory {
  type: AccessoryType
  /** Digest of what it is an accessory of, whether that one is here or not. */
  of: Digest
}

const NOTATION = 'application/vnd.cncf.notary.signature'
const COSIGN_ARTIFACT = 'application/vnd.dev.cosign.artifact.sig.v1+json'
const COSIGN_LAYER = 'application/vnd.dev.cosign.simplesigning.v1+json'
const HARBOR_SBOM = 'application/vnd.goharbor.harbor.sbom.v1'
/** A bundle holds a signature or an attestation; its annotations say which. */
const SIGSTORE_BUNDLE = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v\d[\d.]*)?\+json(?:;.*)?$/
const BUNDLE_CONTENT = 'dev.sigstore.bundle.content'
const BUNDLE_PREDICATE = 'dev.sigstore.bundle.predicateType'
const COSIGN_PREDICATE = 'https://sigstore.dev/cosign/sign/v1'
const NYDUS_BOOTSTRAP = 'containerd.io/snapshot/nydus-bootstrap'
const NYDUS_SOURCE = 'io.goharbor.artifact.v1alpha1.acceleration.source.digest'

const TAG_SCHEME = /^sha256-([a-f0-9]{64})(?:\.(sig|att|sbom))?$/

/**
 * What a manifest is an accessory of: its subject; for Nydus the image it says it was made from; else what one of its
 * tags names in cosign's scheme (`sha256-<hex>.sig`, `.att`, `.sbom`) or in the referrers tag schema (`sha256-<hex>` on
 * an index). Nothing is an accessory of itself.
 *
 * @param digest its own
 * @see distribution-spec, "Referrers Tag Schema"
 */
export function accessoryOf(manifest: Manifest, digest: Digest, tags: readonly string[]): Accessory | undefined {
  const found = bySubject(manifest) ?? bySource(manifest) ?? byTag(manifest, tags)
  return found?.of === digest ? undefined : found
}

/** Whether setting this tag may turn a manifest into an accessory; then its facts are to be found anew. */
export function namesSubject(tag: string): boolean {
  return TAG_SCHEME.test(tag)
}

/** The tag that lists the referrers of a digest for clients without the referrers API. */
export function fallbackTagOf(digest: Digest): string {
  const [algorithm = '', encoded = ''] = digest.split(':', 2)
  return `${algorithm.slice(0, 32)}-${encoded.slice(0, 64)}`
}

function bySubject(manifest: Manifest): Accessory | undefined {
  return manifest.subject && { type: typeOf(manifest), of: manifest.subject.digest }
}

/** By its config, which says what can be run from it; its artifact type counts where there is none. */
function typeOf(manifest: Manifest): AccessoryType {
  const config = manifest.kind === 'image' ? manifest.config?.mediaType : undefined
  const type = config === undefined || config === MEDIA_TYPE.ociEmpty ? manifest.artifactType : config
  if (type === NOTATION) return 'signature.notation'
  if (type === COSIGN_ARTIFACT) return 'signature.cosign'
  if (type === HARBOR_SBOM) return 'sbom.harbor'
  if (SIGSTORE_BUNDLE.test(type ?? '')) {
    return isSignature(manifest.annotations) ? 'signature.cosign' : 'subject.accessory'
  }
  return isImageConfig(config) && isNydus(manifest) ? 'accelerator.nydus' : 'subject.accessory'
}

function isSignature(annotations: Manifest['annotations']): boolean {
  return annotations[BUNDLE_CONTENT] === 'message-signature' || annotations[BUNDLE_PREDICATE] === COSIGN_PREDICATE
}

function isImageConfig(mediaType: string | undefined): boolean {
  return mediaType === MEDIA_TYPE.ociConfig || mediaType === MEDIA_TYPE.dockerConfig
}

function isNydus(manifest: Manifest): boolean {
  return manifest.kind === 'image' && manifest.layers.at(-1)?.annotations?.[NYDUS_BOOTSTRAP] !== undefined
}

function bySource(manifest: Manifest): Accessory | undefined {
  const of = isNydus(manifest) ? findDigest(manifest.annotations[NYDUS_SOURCE] ?? '') : undefined
  return of && { type: 'accelerator.nydus', of }
}

function byTag(manifest: Manifest, tags: readonly string[]): Accessory | undefined {
  for (const tag of tags.toSorted()) {
    const [, hex, suffix] = TAG_SCHEME.exec(tag) ?? []
    const type = hex && typeByTag(manifest, suffix)
    if (type) return { type, of: `sha256:${hex}` as Digest }
  }
  return undefined
}

/** A signature opens doors (the policies of pulls), so `.sig` alone is not enough; an attachment is what it is called. */
function typeByTag(manifest: Manifest, suffix: string | undefined): AccessoryType | undefined {
  if (suffix === undefined) return manifest.kind === 'index' ? 'subject.accessory' : undefined
  if (manifest.kind !== 'image') return undefined
  if (suffix === 'sig') return isCosignSignature(manifest) ? 'signature.cosign' : undefined
  return 'subject.accessory'
}

/** Nothing else is in it: its config is that of an image. */
function isCosignSignature({ layers }: ImageManifest): boolean {
  return layers.length > 0 && layers.every((layer) => layer.mediaType === COSIGN_LAYER)
}
