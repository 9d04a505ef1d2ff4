import { type Descriptor, type ImageManifest, type Manifest, MEDIA_TYPE } from '@berth/oci'
import { isAnnotatedWasm, KIND } from './kind.ts'

/** What a row holds of a config at most, as JSON; the longest members are left out first. */
const MAX_ATTRIBUTES_BYTES = 128 * 1024

/** Of objects and lists in each other; everybody who passes them on has a stack of his own. */
const MAX_DEPTH = 100

export const ICON_ANNOTATION = 'io.goharbor.artifact.v1alpha1.icon'
const SKIP_LIST_ANNOTATION = 'io.goharbor.artifact.v1alpha1.skip-list'
const AUTHOR_LABELS = ['org.opencontainers.image.authors', 'maintainer']
/** What the image specification says of `config`; whatever else is in there is nobody's business. */
const IMAGE_CONFIG_KEYS = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
  'ArgsEscaped',
]

export type Attributes = Record<string, unknown>

/** Whether the attributes of this kind come from its config. */
export function needsConfig(manifest: Manifest, kind: string): manifest is ImageManifest & { config: Descriptor } {
  if (manifest.kind !== 'image' || manifest.config === undefined || kind === KIND.unknown) return false
  return kind !== KIND.wasm || isAnnotatedWasm(manifest)
}

/**
 * What the API says of an artifact beside its manifest, as JSON text.
 *
 * @param config the bytes of the config; `undefined` when they could not be had
 */
export function attributesOf(manifest: ImageManifest, kind: string, config: Buffer | undefined): string | undefined {
  if (kind === KIND.wasm && !isAnnotatedWasm(manifest)) return textOf(moduleAttributes(manifest))
  const document = config && objectOf(config)
  if (document === undefined) return undefined
  if (isPlatformImage(manifest, kind)) return textOf(imageAttributes(document))
  if (kind === KIND.wasm) {
    const mediaType = { 'manifest.config.mediaType': manifest.config?.mediaType }
    return textOf({ ...mediaType, ...imageAttributes(document) })
  }
  return textOf(withoutSkipped(document, manifest.config?.annotations?.[SKIP_LIST_ANNOTATION]))
}

/** JSON of an object, or `undefined` for any other bytes. */
export function objectOf(bytes: Buffer): Attributes | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Attributes) : undefined
  } catch (err) {
    if (err instanceof SyntaxError) return undefined
    throw err
  }
}

/** Of a bundle: everything its config says. */
export function bundleAttributes(config: Buffer): string | undefined {
  const document = objectOf(config)
  return document && textOf(document)
}

function isPlatformImage({ config }: ImageManifest, kind: string): boolean {
  return (
    kind === KIND.image && (config?.mediaType === MEDIA_TYPE.ociConfig || config?.mediaType === MEDIA_TYPE.dockerConfig)
  )
}

function imageAttributes(document: Attributes): Attributes {
  const config = isObject(document.config) ? document.config : {}
  const said = IMAGE_CONFIG_KEYS.filter((key) => config[key] !== undefined && config[key] !== null)
  return {
    architecture: document.architecture ?? '',
    author: authorOf(document, config),
    config: Object.fromEntries(said.map((key) => [key, config[key]])),
    created: document.created ?? null,
    os: document.os ?? '',
  }
}

function authorOf({ author }: Attributes, { Labels: labels }: Attributes): unknown {
  if (typeof author === 'string' && author !== '') return author
  if (!isObject(labels)) return ''
  return AUTHOR_LABELS.map((label) => labels[label]).find((value) => typeof value === 'string' && value !== '') ?? ''
}

function moduleAttributes({ config, layers }: ImageManifest): Attributes {
  const [layer] = layers
  return {
    'manifest.config.mediaType': config?.mediaType,
    ...(layer && {
      'manifest.layers.mediaType': layer.mediaType,
      'org.opencontainers.image.title': layer.annotations?.['org.opencontainers.image.title'] ?? '',
    }),
  }
}

function withoutSkipped(document: Attributes, skipped: string | undefined): Attributes {
  if (skipped === undefined) return document
  const keys = new Set(skipped.split(','))
  return Object.fromEntries(Object.entries(document).filter(([key]) => !keys.has(key)))
}

function textOf(attributes: Attributes): string | undefined {
  const members = Object.entries(attributes).flatMap(([key, value]) => {
    const text = jsonOf(value)
    return text === undefined ? [] : [`${JSON.stringify(key)}:${text}`]
  })
  const kept = members.map((text) => ({ text, bytes: Buffer.byteLength(text) + 1 }))
  const shortestFirst = kept.toSorted((a, b) => a.bytes - b.bytes)
  let total = 2
  const fits = new Set(
    shortestFirst.filter(({ bytes }) => {
      total += bytes
      return total <= MAX_ATTRIBUTES_BYTES
    }),
  )
  const body = kept.filter((member) => fits.has(member)).map(({ text }) => text)
  return `{${body.join(',')}}`
}

/** JSON text; `undefined` for what is nested so deep that somebody on its way could not say it again. */
export function jsonOf(value: unknown): string | undefined {
  return isWithin(value, MAX_DEPTH) ? JSON.stringify(value) : undefined
}

function isWithin(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((one) => isWithin(one, depth - 1))
}

function isObject(value: unknown): value is Attributes {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
