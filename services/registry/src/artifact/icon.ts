import type { Digest, Manifest } from '@berth/oci'
import { ICON_ANNOTATION } from './attributes.ts'

const MAX_ICON_BYTES = 1024 * 1024
const MAGIC = ['89504e470d0a1a0a', '474946383761', '474946383961', 'ffd8ff'].map((hex) => Buffer.from(hex, 'hex'))

/** The layer an artifact says is its icon, unless it is too long for one. */
export function iconLayerOf(manifest: Manifest): Digest | undefined {
  const layers = manifest.kind === 'image' ? manifest.layers : []
  const layer = layers.find(({ annotations }) => annotations?.[ICON_ANNOTATION] !== undefined)
  return layer && layer.sizeBytes <= MAX_ICON_BYTES ? layer.digest : undefined
}

/** PNG, GIF or JPEG, by their first bytes. */
export function isIcon(bytes: Buffer): boolean {
  return MAGIC.some((magic) => bytes.subarray(0, magic.length).equals(magic))
}
