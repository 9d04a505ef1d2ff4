import { type Digest, parseDigest } from './digest.ts'
import { parseReference, type Reference } from './reference.ts'
import { NameInvalid, parseRepositoryName, type RepositoryName } from './repository-name.ts'
import { parseSessionId, type SessionId } from './session-id.ts'

/** The routes of the distribution API, whatever the method. */
export type V2Route =
  | { readonly kind: 'base' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'tags'; readonly name: RepositoryName }
  | { readonly kind: 'manifest'; readonly name: RepositoryName; readonly reference: Reference }
  | { readonly kind: 'blob'; readonly name: RepositoryName; readonly digest: Digest }
  | { readonly kind: 'uploads'; readonly name: RepositoryName }
  | { readonly kind: 'upload'; readonly name: RepositoryName; readonly session: SessionId }
  | { readonly kind: 'referrers'; readonly name: RepositoryName; readonly digest: Digest }

const PREFIX = '/v2/'
const MAX_PATH_LENGTH = 4096
const ENCODED_COLON = /%3a/gi
/** Ways to say another path than the one written. No name, tag, digest or session id holds any of them. */
const DISGUISED = /[%\\\s]|\/\/|\/\.{1,2}(?:\/|$)/

/**
 * Matches the raw path of a request, as on the request line, without its query. Of percent-encoding only `%3A`, the
 * colon of a digest, is read; every other `%`, a backslash, an empty part, `.` and `..` are refused, so nobody behind
 * this door can read the path another way. Read from the right, hence `manifests` or `blobs` may be part of a name.
 *
 * A trailing slash belongs to `/v2/` and `…/blobs/uploads/`, which match without it too; elsewhere it is no route.
 *
 * @returns `undefined` when no route has this shape
 * @throws {NameInvalid} a disguised path, or a route whose repository name is outside the grammar
 * @throws {TagInvalid} see {@link unknownWhenReading} for what readers are told
 * @throws {DigestInvalid} a manifest, blob or referrers route whose digest is outside the grammar
 * @throws {BlobUploadUnknown} an upload route whose session id is outside the grammar
 * @see distribution-spec, "Endpoints"
 */
export function matchV2(path: string): V2Route | undefined {
  if (path === '/v2/' || path === '/v2') return { kind: 'base' }
  if (!path.startsWith(PREFIX)) return undefined
  if (path.length > MAX_PATH_LENGTH) throw new NameInvalid(path, 'path is too long')
  if (path === '/v2/_catalog') return { kind: 'catalog' }
  const plain = path.includes('%') ? path.replace(ENCODED_COLON, ':') : path
  if (DISGUISED.test(plain)) throw new NameInvalid(path, 'path is not in its plain form')
  return matchRepository(plain)
}

function matchRepository(path: string): V2Route | undefined {
  if (path.endsWith('/blobs/uploads/')) return uploads(path.slice(0, -1))
  if (path.endsWith('/blobs/uploads')) return uploads(path)
  const lastSlash = path.lastIndexOf('/')
  const last = path.slice(lastSlash + 1)
  const wordSlash = path.lastIndexOf('/', lastSlash - 1)
  if (last === '' || wordSlash < PREFIX.length) return undefined
  switch (path.slice(wordSlash + 1, lastSlash)) {
    case 'manifests':
      return { kind: 'manifest', name: nameBefore(path, wordSlash), reference: parseReference(last) }
    case 'blobs':
      return { kind: 'blob', name: nameBefore(path, wordSlash), digest: parseDigest(last) }
    case 'referrers':
      return { kind: 'referrers', name: nameBefore(path, wordSlash), digest: parseDigest(last) }
    case 'tags':
      return last === 'list' ? { kind: 'tags', name: nameBefore(path, wordSlash) } : undefined
    case 'uploads':
      return upload(path, wordSlash, last)
    default:
      return undefined
  }
}

function upload(path: string, uploadsSlash: number, session: string): V2Route | undefined {
  const end = uploadsSlash - '/blobs'.length
  if (end <= PREFIX.length || !path.startsWith('/blobs', end)) return undefined
  return { kind: 'upload', name: nameBefore(path, end), session: parseSessionId(session) }
}

function uploads(path: string): V2Route | undefined {
  const end = path.length - '/blobs/uploads'.length
  return end <= PREFIX.length - 1 ? undefined : { kind: 'uploads', name: nameBefore(path, end) }
}

function nameBefore(path: string, end: number): RepositoryName {
  return parseRepositoryName(path.slice(PREFIX.length, end))
}
