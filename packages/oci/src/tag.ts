import { DomainError } from '@berth/errors'

/** A checked tag: 1 to 128 of word characters, dot and dash, the first neither dot nor dash. */
export type Tag = string & { readonly __brand: 'Tag' }

const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/
const QUOTED_CHARS = 160

/** TAG_INVALID (400). */
export class TagInvalid extends DomainError {
  override name = 'TagInvalid'
  readonly code = 'TAG_INVALID'

  constructor(tag: string) {
    super('invalid tag', { detail: { tag: tag.slice(0, QUOTED_CHARS) } })
  }
}

/**
 * @throws {TagInvalid} when the text is outside the grammar
 * @see distribution-spec, "Pulling manifests", `<reference>`
 */
export function parseTag(text: string): Tag {
  if (!TAG.test(text)) throw new TagInvalid(text)
  return text as Tag
}

/** The text as a tag, or `undefined` when it is none. */
export function findTag(text: string): Tag | undefined {
  return TAG.test(text) ? (text as Tag) : undefined
}
