import { isDockerSchema1, type Manifest, MEDIA_TYPE } from '@berth/oci'

/** What an artifact is, as lists call it: one of these, or `<TYPE>` of `application/vnd.<org>.<TYPE>.config.*+json`. */
export const KIND = {
  image: 'IMAGE',
  chart: 'CHART',
  cnab: 'CNAB',
  wasm: 'WASM',
  sbom: 'SBOM',
  model: 'CNAI',
  unknown: 'UNKNOWN',
} as const

/** What says of an index what it is, where it is not `artifactType`; bundles did so before there was one. */
const INDEX_TYPE_ANNOTATION = 'org.opencontainers.artifactType'
const GENERIC = /^application\/vnd\.[^.]*\.([A-Za-z0-9][\w.+-]*)\.config\.[^.]*\+json$/
const MAX_TYPE_LENGTH = 255

const BY_TYPE: ReadonlyMap<string, string> = new Map([
  [MEDIA_TYPE.ociConfig, KIND.image],
  [MEDIA_TYPE.dockerConfig, KIND.image],
  [MEDIA_TYPE.helmConfig, KIND.chart],
  [MEDIA_TYPE.cnabManifest, KIND.cnab],
  ['application/vnd.wasm.config.v0+json', KIND.wasm],
  ['application/vnd.wasm.config.v1+json', KIND.wasm],
  ['application/vnd.goharbor.harbor.sbom.v1', KIND.sbom],
  ['application/vnd.cncf.model.manifest.v1+json', KIND.model],
  ['application/vnd.cncf.model.config.v1+json', KIND.model],
  ['application/vnd.cnai.model.manifest.v1+json', KIND.model],
  ['application/vnd.cnai.model.config.v1+json', KIND.model],
])

/**
 * What a manifest is, from itself alone: by its artifact type, else by its config, else by the name inside the media
 * type of either. A plain index is an image of several platforms.
 */
export function kindOf(manifest: Manifest): string {
  if (manifest.kind === 'opaque') return isDockerSchema1(manifest.mediaType) ? KIND.image : KIND.unknown
  if (manifest.kind === 'index') {
    const type = manifest.annotations[INDEX_TYPE_ANNOTATION] || manifest.artifactType
    return type ? kindOfTypes([type]) : KIND.image
  }
  if (isAnnotatedWasm(manifest)) return KIND.wasm
  return kindOfTypes([manifest.artifactType, manifest.config?.mediaType])
}

/** An image of a platform that says of itself that it runs as WebAssembly. */
export function isAnnotatedWasm({ annotations }: Pick<Manifest, 'annotations'>): boolean {
  return annotations['module.wasm.image/variant'] === 'compat' || annotations['run.oci.handler'] === 'wasm'
}

function kindOfTypes(types: readonly (string | undefined)[]): string {
  const said = types.filter((type) => type !== undefined && type.length <= MAX_TYPE_LENGTH) as string[]
  const known = said.map((type) => BY_TYPE.get(type)).find((kind) => kind !== undefined)
  // The config names the type; an artifact type seldom does.
  const named = () => said.toReversed().map((type) => GENERIC.exec(type)?.[1]?.toUpperCase())
  return known ?? named().find((kind) => kind !== undefined) ?? KIND.unknown
}
