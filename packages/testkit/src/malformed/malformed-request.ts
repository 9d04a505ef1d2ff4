import type { Chance } from './seeded.ts'
import { strangeDocument } from './strange-document.ts'

/** What is there to be asked for, beside what is made up. */
export interface Known {
  repository: string
  tag: string
  /** What is stored: blobs and manifests. */
  contents: readonly Buffer[]
  /** Theirs, in their order. */
  digests: readonly string[]
  /** Paths of upload sessions. */
  sessions: readonly string[]
}

/** One request, ready to be sent as it is. */
export interface RawRequest {
  method: string
  /** As on the request line; latin1. */
  target: string
  headers: readonly (readonly [string, string])[]
  body: Buffer
  /** Less than announced is sent, and then nothing more. */
  isTorn: boolean
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
const ODD_METHODS = ['OPTIONS', 'TRACE', 'PROPFIND', 'LINK', 'QUERY']
const NASTY = [
  '%00',
  '%2e%2e',
  '%2E%2e%2f',
  '..',
  '/../',
  '%2f',
  '%5c',
  '\\',
  '//',
  '/',
  '%',
  '%zz',
  '%25',
  '%252e',
  '%c0%ae',
  '\u00e9',
  '+',
  '&',
  '=',
  ';',
  '?',
  ':',
  '@',
  '~',
  '*',
  '$',
  '{}',
  '|',
  '"',
  "'",
  '<',
  '>',
  '\u00ff',
  'A',
  '_',
  '-',
  '.',
  '0',
  '__proto__',
  'sha256:',
  'sha512-',
  'a'.repeat(300),
  '9'.repeat(40),
  '-1',
  '%20',
  '%0d%0a',
  '%ff%fe',
  '%ed%a0%80',
  '[',
  ']',
  '^',
  '`',
]
const TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
  'application/vnd.oci.artifact.manifest.v1+json',
  'application/json',
  'application/octet-stream',
  'application/x-www-form-urlencoded',
  'a/b; charset="',
  'a/b;c=d, e/f',
  '/',
  'a',
  `${'x'.repeat(130)}/y`,
  'text/\u00e9',
]
const RANGES = [
  'bytes=0-0',
  'bytes=-1',
  'bytes=5-',
  'bytes=9-2',
  'bytes=-0',
  'bytes=0-1,3-4',
  'bytes=99999999999999999999-',
  'bytes=',
  'items=0-1',
  '0-0',
  '0-9',
  '5-9',
  '9-5',
  '-',
  '0-',
  '-5',
  '0-9007199254740991',
  '9007199254740991-9007199254740991',
  '0-99999999999999999999',
  'bytes 0-4/5',
  '0x0-0x9',
  '1e1-2e2',
  ' 0-0 ',
  `0-${'9'.repeat(200)}`,
]
const HEADERS: readonly (readonly [string, (chance: Chance, known: Known) => string])[] = [
  ['range', (chance) => chance.pick(RANGES)],
  ['content-range', (chance) => chance.pick(RANGES)],
  [
    'if-none-match',
    (chance, known) =>
      chance.pick(['*', '"', `"${chance.pick(known.digests)}"`, 'W/', ','.repeat(900), '"'.repeat(5_000)]),
  ],
  ['if-range', (chance, known) => chance.pick(['"x"', `"${chance.pick(known.digests)}"`, 'W/"x"', 'yesterday'])],
  ['accept', (chance) => chance.pick([...TYPES, '*/*', ',', `${'a/b,'.repeat(2_000)}`])],
  ['x-forwarded-host', (chance) => chance.pick(['a"b', 'x', '\u00e9', 'a b', '[::1]:5', `${'h'.repeat(3_000)}`])],
  ['x-forwarded-proto', (chance) => chance.pick(['https', 'javascript', '', 'http,https'])],
  ['x-request-id', (chance) => chance.pick(['x', '\u00e9', 'a'.repeat(4_000), '{}'])],
  ['traceparent', (chance) => chance.pick(['00', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`, 'x'.repeat(600)])],
  ['origin', () => 'null'],
  ['x-http-method-override', () => 'DELETE'],
  ['docker-content-digest', (chance, known) => chance.pick(known.digests)],
  [
    'authorization',
    (chance) =>
      chance.pick([
        'Bearer',
        'Bearer x',
        'Bearer a.b.c',
        'Basic',
        'Basic !',
        'Basic Og==',
        'Digest x',
        `Bearer ${'a'.repeat(20_000)}`,
      ]),
  ],
]
const PARAMETERS = [
  'digest',
  'mount',
  'from',
  'digest-algorithm',
  'tag',
  'n',
  'last',
  'artifactType',
  'after',
  'ns',
  '_state',
  '__proto__',
  '',
]

/** A request to some route of `/v2`, mostly with something wrong with it. */
export function malformedRequest(chance: Chance, known: Known): RawRequest {
  const plain = chance.once(5) ? goodRequest(chance, known) : strangeRequest(chance, known)
  const headers: (readonly [string, string])[] = []
  if (chance.once(2)) headers.push(['content-type', twisted(chance, chance.pick(TYPES), 6)])
  for (let more = chance.below(3); more > 0; more--) {
    const [name, make] = chance.pick(HEADERS)
    if (!headers.some(([taken]) => taken === name)) headers.push([name, make(chance, known)])
  }
  return { ...plain, headers, isTorn: plain.body.length > 0 && chance.once(25) }
}

type Plain = Pick<RawRequest, 'method' | 'target' | 'body'>

function strangeRequest(chance: Chance, known: Known): Plain {
  return {
    method: chance.once(12) ? chance.pick(ODD_METHODS) : chance.pick(METHODS),
    target: `${twisted(chance, pathOf(chance, known), 3)}${queryOf(chance, known)}`.replaceAll(/[\s\p{Cc}]/gu, ''),
    body: bodyOf(chance, known),
  }
}

/** One that is fine as far as it goes; its headers may not be. */
function goodRequest(chance: Chance, { repository, tag, contents, digests, sessions }: Known): Plain {
  const at = chance.below(contents.length)
  const [content, digest] = [contents[at] ?? Buffer.alloc(0), digests[at] ?? '']
  const [session, nothing] = [chance.pick(sessions), Buffer.alloc(0)]
  const base = `/v2/${repository}`
  return chance.pick<Plain>([
    { method: 'POST', target: `${base}/blobs/uploads/?digest=${digest}`, body: content },
    { method: 'PUT', target: `${session}?digest=${digest}`, body: content },
    { method: 'PATCH', target: session, body: content },
    { method: 'GET', target: session, body: nothing },
    { method: 'PUT', target: `${base}/manifests/${tag}`, body: contents[0] ?? nothing },
    { method: 'PUT', target: `${base}/manifests/${digests[0]}?tag=${tag}`, body: contents[0] ?? nothing },
    { method: 'GET', target: `${base}/manifests/${tag}`, body: nothing },
    { method: 'GET', target: `${base}/blobs/${digest}`, body: nothing },
    { method: 'HEAD', target: `${base}/blobs/${digest}`, body: nothing },
    { method: 'GET', target: `${base}/referrers/${digest}`, body: nothing },
  ])
}

function pathOf(chance: Chance, known: Known): string {
  const name = twisted(chance, known.repository, 5)
  const digest = twisted(chance, digestOf(chance, known), 5)
  const reference = chance.once(2) ? digest : twisted(chance, known.tag, 3)
  return chance.pick([
    '/v2/',
    '/v2/_catalog',
    `/v2/${name}/tags/list`,
    `/v2/${name}/manifests/${reference}`,
    `/v2/${name}/manifests/${reference}`,
    `/v2/${name}/blobs/${digest}`,
    `/v2/${name}/blobs/uploads/`,
    `/v2/${name}/blobs/uploads/`,
    `/v2/${name}/referrers/${digest}`,
    twisted(chance, chance.pick(known.sessions), 4),
    twisted(chance, chance.pick(known.sessions), 4),
  ])
}

function queryOf(chance: Chance, known: Known): string {
  const pairs = Array.from({ length: chance.below(4) }, () => {
    const value = chance.pick([
      chance.pick(known.digests),
      digestOf(chance, known),
      known.tag,
      known.repository,
      chance.pick(['sha256', 'sha512', 'blake3', '0', '1', '-1', '1000', '1001', '1e3', '', '\u00e9'.repeat(20)]),
    ])
    return `${chance.once(3) ? 'digest' : chance.pick(PARAMETERS)}=${twisted(chance, value, 3)}`
  })
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

function digestOf(chance: Chance, known: Known): string {
  return chance.pick([
    ...known.digests,
    `sha256:${'0'.repeat(64)}`,
    `sha512:${'f'.repeat(128)}`,
    `sha256:${'F'.repeat(64)}`,
    `blake3:${'0'.repeat(64)}`,
    `md5:${'0'.repeat(32)}`,
    `a+b.c_d-e:${'z'.repeat(20)}=`,
    `sha256:${'0'.repeat(chance.below(200))}`,
    'sha256:',
    ':',
    `${'x'.repeat(500)}:y`,
  ])
}

/** The text with something put in, taken out or said twice; once in `times` as it is. */
function twisted(chance: Chance, text: string, times: number): string {
  if (!chance.once(times)) return text
  const at = chance.below(text.length + 1)
  const to = Math.min(text.length, at + chance.below(8))
  switch (chance.below(4)) {
    case 0:
      return text.slice(0, at) + text.slice(to)
    case 1:
      return text.slice(0, to) + text.slice(at)
    default:
      return text.slice(0, at) + chance.pick(NASTY) + text.slice(at)
  }
}

function bodyOf(chance: Chance, known: Known): Buffer {
  switch (chance.below(5)) {
    case 0:
      return Buffer.from(Array.from({ length: chance.below(200) }, () => chance.below(256)))
    case 1:
      return strangeDocument(chance, known.digests)
    case 2: {
      const content = chance.pick(known.contents)
      return chance.once(4) ? content.subarray(0, chance.below(content.length + 1)) : content
    }
    default:
      return Buffer.alloc(0)
  }
}
