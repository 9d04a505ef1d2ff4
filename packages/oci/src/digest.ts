import { DomainError } from '@berth/errors'

/** A checked `algorithm:encoded`, ASCII, at most {@link MAX_DIGEST_LENGTH} characters. */
export type Digest = string & { readonly __brand: 'Digest' }

/** The algorithms content is stored under. */
export type SupportedAlgorithm = 'sha256' | 'sha512'

/** The grammar sets no bound; sha512 needs 135 characters. */
export const MAX_DIGEST_LENGTH = 256

const REGISTERED = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}|blake3:[a-f0-9]{64})$/
const OTHER = /^(?!sha256:|sha512:|blake3:)[a-z0-9]+(?:[+._-][a-z0-9]+)*:[\w=-]+$/
const QUOTED_CHARS = 160

/** DIGEST_INVALID (400): outside the grammar, unsupported, or not the digest of the content. */
export class DigestInvalid extends DomainError {
  override name = 'DigestInvalid'
  readonly code = 'DIGEST_INVALID'

  constructor(digest: string, message = 'digest is malformed') {
    super(message, { detail: { digest: digest.slice(0, QUOTED_CHARS) } })
  }
}

/**
 * Parses `algorithm:encoded`. Unregistered algorithms parse; whether we store them is asked of {@link isSupported}.
 *
 * @throws {DigestInvalid} when the text is outside the grammar
 * @see image-spec, descriptor.md, "Digests"
 */
export function parseDigest(text: string): Digest {
  const digest = findDigest(text)
  if (digest === undefined) throw new DigestInvalid(text)
  return digest
}

/** Parses a digest whose content can be stored and checked: {@link parseDigest}, then {@link requireSupported}. */
export function parseSupportedDigest(text: string): Digest {
  return requireSupported(parseDigest(text))
}

/** The text as a digest, or `undefined` when it is outside the grammar. */
export function findDigest(text: string): Digest | undefined {
  if (text.length > MAX_DIGEST_LENGTH) return undefined
  return REGISTERED.test(text) || OTHER.test(text) ? (text as Digest) : undefined
}

/** What stands before the colon: `sha256`. */
export function algorithmOf(digest: Digest): string {
  return digest.slice(0, digest.indexOf(':'))
}

/** What stands after the colon: lower-case hexadecimal for the registered algorithms. */
export function encodedOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1)
}

export function isSupportedAlgorithm(text: string): text is SupportedAlgorithm {
  return text === 'sha256' || text === 'sha512'
}

/** Whether content of this digest can be stored: sha256 and sha512. */
export function isSupported(digest: Digest): boolean {
  return isSupportedAlgorithm(algorithmOf(digest))
}

/** @throws {DigestInvalid} when the algorithm is neither sha256 nor sha512 */
export function requireSupported(digest: Digest): Digest {
  if (!isSupported(digest)) throw new DigestInvalid(digest, 'digest algorithm is not supported')
  return digest
}
