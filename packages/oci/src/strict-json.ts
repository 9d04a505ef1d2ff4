import { ManifestInvalid } from './manifest-invalid.ts'

export const MAX_JSON_DEPTH = 64
/** Objects, arrays and members together; keeps what a 4 MiB text turns into within some tens of MiB. */
export const MAX_JSON_VALUES = 500_000

export type JsonObject = { readonly [key: string]: unknown }

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/**
 * Parses UTF-8 JSON that every reader understands the same way: no byte order mark, no invalid UTF-8, no key twice in
 * one object, nested at most {@link MAX_JSON_DEPTH} deep, at most {@link MAX_JSON_VALUES} values. Time is linear.
 *
 * @throws {ManifestInvalid}
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const text = decode(bytes)
  checkShape(text)
  try {
    return JSON.parse(text)
  } catch (err) {
    if (err instanceof SyntaxError) throw new ManifestInvalid('not valid JSON')
    throw err
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (err) {
    if (err instanceof TypeError) throw new ManifestInvalid('not valid UTF-8')
    throw err
  }
}

/**
 * Walks the brackets and strings only. On text that is not JSON it may miss anything, which JSON.parse then finds; on
 * JSON a string before a colon is a key and nothing else is.
 */
function checkShape(text: string): void {
  const keysOfOpen: (Set<string> | undefined)[] = []
  let values = 1
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        if (keysOfOpen.push(undefined) > MAX_JSON_DEPTH) {
          throw new ManifestInvalid(`nested more than ${MAX_JSON_DEPTH} deep`)
        }
        values++
        break
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        keysOfOpen.pop()
        break
      case COMMA:
        values++
        break
      case QUOTE: {
        const end = endOfString(text, at + 1)
        if (isFollowedByColon(text, end + 1)) noteKey(keysOfOpen, text.slice(at, end + 1))
        at = end
        break
      }
    }
    if (values > MAX_JSON_VALUES) throw new ManifestInvalid(`more than ${MAX_JSON_VALUES} values`)
  }
}

/** Index of the closing quote, or the text's length when there is none. */
function endOfString(text: string, start: number): number {
  let at = start
  while (at < text.length) {
    const char = text.charCodeAt(at)
    if (char === QUOTE) return at
    at += char === BACKSLASH ? 2 : 1
  }
  return text.length
}

function isFollowedByColon(text: string, start: number): boolean {
  let at = start
  while (isJsonSpace(text.charCodeAt(at))) at++
  return text.charCodeAt(at) === COLON
}

function isJsonSpace(char: number): boolean {
  return char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09
}

function noteKey(keysOfOpen: (Set<string> | undefined)[], quoted: string): void {
  const innermost = keysOfOpen.length - 1
  if (innermost < 0) return
  const keys = keysOfOpen[innermost] ?? new Set()
  keysOfOpen[innermost] = keys
  const key = unquote(quoted)
  if (keys.has(key)) throw new ManifestInvalid(`key ${quoted.slice(0, 100)} stands twice in one object`)
  keys.add(key)
}

function unquote(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1)
  try {
    return String(JSON.parse(quoted))
  } catch (err) {
    if (err instanceof SyntaxError) throw new ManifestInvalid('not valid JSON')
    throw err
  }
}
