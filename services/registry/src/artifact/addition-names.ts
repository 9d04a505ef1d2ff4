import { isImageType } from '@berth/oci'
import { KIND } from './kind.ts'

const NAMES: Readonly<Record<string, readonly string[]>> = {
  [KIND.image]: ['build_history'],
  [KIND.wasm]: ['build_history'],
  [KIND.chart]: ['values.yaml', 'readme.md', 'dependencies'],
  [KIND.model]: ['readme.md', 'license', 'files'],
  [KIND.sbom]: ['sbom'],
}

/** The additions an artifact of this kind has, in lower case; an index has none of its own. */
export function additionsOf(kind: string, mediaType: string): readonly string[] {
  return isImageType(mediaType) ? (NAMES[kind] ?? []) : []
}
