import { ManifestInvalid } from './manifest-invalid.ts'
import { isJsonObject, type JsonObject } from './strict-json.ts'

// In all of these `null` is the same as absent, as writers in Go mean it. `path` is empty or ends before the key.

export function joinPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}

export function optionalObject(from: JsonObject, key: string, path: string): JsonObject | undefined {
  const value = from[key] ?? undefined
  if (value === undefined || isJsonObject(value)) return value
  throw new ManifestInvalid('must be an object', joinPath(path, key))
}

export function optionalArray(from: JsonObject, key: string, path: string): readonly unknown[] | undefined {
  const value = from[key] ?? undefined
  if (value === undefined || Array.isArray(value)) return value
  throw new ManifestInvalid('must be an array', joinPath(path, key))
}

export function optionalString(from: JsonObject, key: string, path: string): string | undefined {
  const value = from[key] ?? undefined
  if (value === undefined || typeof value === 'string') return value
  throw new ManifestInvalid('must be a string', joinPath(path, key))
}

export function optionalStrings(from: JsonObject, key: string, path: string): readonly string[] | undefined {
  return optionalArray(from, key, path)?.map((entry, i) => {
    if (typeof entry !== 'string') throw new ManifestInvalid('must be a string', `${joinPath(path, key)}[${i}]`)
    return entry
  })
}

/** A map of strings, safe for keys such as `__proto__`; absent is `undefined`. */
export function optionalAnnotations(from: JsonObject, path: string): Readonly<Record<string, string>> | undefined {
  const annotations = optionalObject(from, 'annotations', path)
  if (annotations === undefined) return undefined
  const entries = Object.entries(annotations).map(([key, value]): [string, string] => {
    if (typeof value === 'string') return [key, value]
    throw new ManifestInvalid('annotation values must be strings', joinPath(path, 'annotations'))
  })
  return Object.fromEntries(entries)
}

/**
 * Refuses keys that differ from a known one in case alone. Some readers (Go's among them) take `Layers` for `layers`,
 * so such a document would mean one thing here and another there.
 *
 * @param folded the known keys, by {@link foldKey} of each
 */
export function refuseLookalikes(object: JsonObject, folded: ReadonlyMap<string, string>, path: string): void {
  for (const key of Object.keys(object)) {
    const known = folded.get(foldKey(key))
    if (known !== undefined && known !== key) {
      throw new ManifestInvalid(`looks like ${known}, but differs in case`, joinPath(path, key.slice(0, 100)))
    }
  }
}

export function foldedKeys(...keys: string[]): ReadonlyMap<string, string> {
  return new Map(keys.map((key) => [foldKey(key), key]))
}

/** Upper first: it turns ſ into S, then lower turns the Kelvin sign into k, as Unicode's simple folding does. */
function foldKey(key: string): string {
  return key.length > 32 ? key : key.toUpperCase().toLowerCase()
}
