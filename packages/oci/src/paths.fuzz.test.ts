import { DomainError } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { formatReference, matchV2, parseChallenges, parseRange, parseUploadRange } from './index.ts'
import { seeded } from './testing/seeded.ts'

const ROUNDS = 20_000
const digest = `sha256:${'0'.repeat(64)}`
const paths = [
  '/v2/',
  '/v2/_catalog',
  '/v2/library/app/tags/list',
  '/v2/library/app/manifests/1.0',
  `/v2/library/app/manifests/${digest}`,
  `/v2/a/b/c/blobs/${digest}`,
  '/v2/library/app/blobs/uploads/',
  '/v2/library/app/blobs/uploads/0e6f0b1c-0000-4000-8000-000000000000',
  `/v2/library/blobs/referrers/${digest}`,
]
const splices = [
  '/',
  '//',
  '..',
  '/../',
  '%2e',
  '%2F',
  '%3A',
  '%',
  '\\',
  ':',
  '\u0000',
  'é',
  ' ',
  'A',
  '_',
  '-',
  '.',
  '~',
  'blobs',
  'x'.repeat(260),
]
const ranges = ['bytes=0-9', 'bytes=-5', 'bytes=5-', '0-9', '10-19']
const rangeSplices = ['-', '=', '9'.repeat(30), ' ', ',', 'x', '0', '+', '.', 'e5', '\u0000']
const challenges = [
  'Bearer realm="https://a.example/token",service="s",scope="repository:a/b:pull"',
  'Basic realm="x", Bearer a=b',
]

function twist(text: string, from: readonly string[], random: (below: number) => number): string {
  let twisted = text
  for (let times = random(4); times > 0; times--) {
    const at = random(twisted.length + 1)
    twisted = twisted.slice(0, at) + (from[random(from.length)] ?? '') + twisted.slice(at + random(3))
  }
  return twisted
}

/** What it answers, or nothing when it refuses as it should. */
function outcome<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (err) {
    if (err instanceof DomainError) return undefined
    throw err
  }
}

describe('any path', () => {
  it('is a route whose parts are what they should be, no route, or refused with a domain error', () => {
    const random = seeded(20_261_120)
    const seen = new Map<string, number>()
    for (let round = 0; round < ROUNDS; round++) {
      const path = twist(paths[random(paths.length)] ?? '', splices, random)
      const route = outcome(() => matchV2(path))
      seen.set(route?.kind ?? 'none', (seen.get(route?.kind ?? 'none') ?? 0) + 1)
      if (route === undefined || !('name' in route)) continue
      expect(route.name).toMatch(/^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/)
      expect(route.name.length).toBeLessThanOrEqual(255)
      expect(path.startsWith(`/v2/${route.name}/`)).toBe(true)
      if ('reference' in route)
        expect(path.replaceAll(/%3a/gi, ':').endsWith(formatReference(route.reference))).toBe(true)
      if ('session' in route) expect(route.session).toMatch(/^[\w-]+$/)
    }
    for (const kind of ['none', 'base', 'tags', 'manifest', 'blob', 'uploads', 'upload', 'referrers']) {
      expect([kind, (seen.get(kind) ?? 0) > 20]).toEqual([kind, true])
    }
  })
})

describe('any range', () => {
  it('lies within the content, or is none', () => {
    const random = seeded(7)
    for (let round = 0; round < ROUNDS; round++) {
      const header = twist(ranges[random(ranges.length)] ?? '', rangeSplices, random)
      const size = random(30)
      const range = outcome(() => parseRange(header, size))
      if (range) {
        expect(range.start).toBeGreaterThanOrEqual(0)
        expect(range.end).toBeLessThan(size)
        expect(range.lengthBytes).toBe(range.end - range.start + 1)
      }
      const chunk = outcome(() => parseUploadRange(header))
      if (chunk) expect(chunk.lengthBytes).toBe(chunk.end - chunk.start + 1)
    }
  })
})

describe('any challenge', () => {
  it('is read or refused with a domain error', () => {
    const random = seeded(11)
    for (let round = 0; round < ROUNDS; round++) {
      const header = twist(challenges[random(challenges.length)] ?? '', [...rangeSplices, '"', '\\', '='], random)
      for (const { scheme } of outcome(() => parseChallenges(header)) ?? []) expect(scheme).not.toBe('')
    }
  })
})
