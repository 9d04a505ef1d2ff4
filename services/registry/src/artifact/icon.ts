import type { Digest, Manifest } from '@berth/oci'
import { ICON_ANNOTATION } from './attributes.ts'

const MAX_ICON_BYTES = 1024 * 1024

export type IconType = 'image/png' | 'image/gif' | 'image/jpeg'

const MAGIC: readonly { magic: Buffer; type: IconType }[] = [
  { magic: Buffer.from('89504e470d0a1a0a', 'hex'), type: 'image/png' },
  { magic: Buffer.from('GIF87a'), type: 'image/gif' },
  { magic: Buffer.from('GIF89a'), type: 'image/gif' },
  { magic: Buffer.from('ffd8ff', 'hex'), type: 'image/jpeg' },
]

/** The layer an artifact says is its icon, unless it is too long for one. */
export function iconLayerOf(manifest: Manifest): Digest | undefined {
  const layers = manifest.kind === 'image' ? manifest.layers : []
  const layer = layers.find(({ annotations }) => annotations?.[ICON_ANNOTATION] !== undefined)
  return layer && layer.sizeBytes <= MAX_ICON_BYTES ? layer.digest : undefined
}

/** PNG, GIF or JPEG, by its first bytes; `undefined` for anything else. */
export function iconTypeOf(bytes: Buffer): IconType | undefined {
  return MAGIC.find(({ magic }) => bytes.subarray(0, magic.length).equals(magic))?.type
}
