/** Media types the registry knows by name. All others are stored and served as they came. */
export const MEDIA_TYPE = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  ociNonDistributableLayer: 'application/vnd.oci.image.layer.nondistributable.v1.tar',
  ociNonDistributableLayerGzip: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  ociNonDistributableLayerZstd: 'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  ociArtifact: 'application/vnd.oci.artifact.manifest.v1+json',
  dockerSchema1: 'application/vnd.docker.distribution.manifest.v1+json',
  dockerSchema1Signed: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerManifestList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerPluginConfig: 'application/vnd.docker.plugin.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerLayerZstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
  dockerForeignLayer: 'application/vnd.docker.image.rootfs.foreign.diff.tar',
  dockerForeignLayerGzip: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  helmConfig: 'application/vnd.cncf.helm.config.v1+json',
  helmChart: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
  helmProvenance: 'application/vnd.cncf.helm.chart.provenance.v1.prov',
  cnabManifest: 'application/vnd.cnab.manifest.v1',
  octetStream: 'application/octet-stream',
} as const

/** The digest of the two bytes `{}`, the content of every {@link MEDIA_TYPE.ociEmpty} descriptor. */
export const EMPTY_JSON_DIGEST = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'

const INDEX: ReadonlySet<string> = new Set([MEDIA_TYPE.ociIndex, MEDIA_TYPE.dockerManifestList])
const IMAGE: ReadonlySet<string> = new Set([MEDIA_TYPE.ociManifest, MEDIA_TYPE.dockerManifest, MEDIA_TYPE.ociArtifact])
const SCHEMA1: ReadonlySet<string> = new Set([MEDIA_TYPE.dockerSchema1, MEDIA_TYPE.dockerSchema1Signed])
const NON_DISTRIBUTABLE: ReadonlySet<string> = new Set([
  MEDIA_TYPE.ociNonDistributableLayer,
  MEDIA_TYPE.ociNonDistributableLayerGzip,
  MEDIA_TYPE.ociNonDistributableLayerZstd,
  MEDIA_TYPE.dockerForeignLayer,
  MEDIA_TYPE.dockerForeignLayerGzip,
])

/** A manifest that names other manifests: OCI index, Docker manifest list. */
export function isIndexType(mediaType: string): boolean {
  return INDEX.has(mediaType)
}

/** A manifest that names blobs: OCI image, Docker schema 2, the withdrawn OCI artifact manifest. */
export function isImageType(mediaType: string): boolean {
  return IMAGE.has(mediaType)
}

/** Whether content of this type is known to be a manifest; an index may also name blobs (build caches do). */
export function isManifestType(mediaType: string): boolean {
  return isIndexType(mediaType) || isImageType(mediaType)
}

export function isDockerSchema1(mediaType: string): boolean {
  return SCHEMA1.has(mediaType)
}

/** A layer that need not be in the registry: it is fetched from somewhere else. */
export function isNonDistributable(mediaType: string): boolean {
  return NON_DISTRIBUTABLE.has(mediaType)
}
