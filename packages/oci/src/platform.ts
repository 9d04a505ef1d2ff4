import { foldedKeys, optionalObject, optionalString, optionalStrings, refuseLookalikes } from './json-fields.ts'
import type { JsonObject } from './strict-json.ts'

/** What an index says an entry runs on; `architecture` and `os` are empty where it does not say. */
export interface Platform {
  readonly architecture: string
  readonly os: string
  readonly osVersion?: string
  readonly osFeatures?: readonly string[]
  readonly variant?: string
  readonly features?: readonly string[]
}

const KEYS = foldedKeys('architecture', 'os', 'os.version', 'os.features', 'variant', 'features')

/**
 * Reads the `platform` of an index entry, or `undefined` when it has none.
 *
 * @throws {ManifestInvalid}
 * @see image-spec, image-index.md, "platform"
 */
export function parsePlatform(entry: JsonObject, entryPath: string): Platform | undefined {
  const from = optionalObject(entry, 'platform', entryPath)
  if (from === undefined) return undefined
  const path = `${entryPath}.platform`
  refuseLookalikes(from, KEYS, path)
  const osVersion = optionalString(from, 'os.version', path)
  const osFeatures = optionalStrings(from, 'os.features', path)
  const variant = optionalString(from, 'variant', path)
  const features = optionalStrings(from, 'features', path)
  return {
    architecture: optionalString(from, 'architecture', path) ?? '',
    os: optionalString(from, 'os', path) ?? '',
    ...(osVersion && { osVersion }),
    ...(osFeatures && { osFeatures }),
    ...(variant && { variant }),
    ...(features && { features }),
  }
}

/** `linux/arm64/v8`, as command lines spell it. */
export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/')
}
