import { parseRepositoryName } from '@berth/oci'
import type { ArtifactFacts } from '@berth/types'
import { describe, expect, it, vi } from 'vitest'
import { fitted } from './fit.ts'
import { createRecent } from './recent.ts'
import { windowOf } from './window.ts'

describe('a page of a list', () => {
  it('is read from the end that is nearer', () => {
    expect(windowOf(1, 10, 100)).toEqual({ limit: 10, offset: 0, isReversed: false })
    expect(windowOf(5, 10, 100)).toEqual({ limit: 10, offset: 40, isReversed: false })
    expect(windowOf(6, 10, 100)).toEqual({ limit: 10, offset: 40, isReversed: true })
    expect(windowOf(10, 10, 95)).toEqual({ limit: 5, offset: 0, isReversed: true })
    expect(windowOf(1, 10, 3)).toEqual({ limit: 3, offset: 0, isReversed: false })
  })

  it('is none behind the end', () => {
    expect(windowOf(11, 10, 100)).toBeUndefined()
    expect(windowOf(1, 10, 0)).toBeUndefined()
  })
})

describe('a total', () => {
  const app = parseRepositoryName('library/app')
  const here = { repository: app }

  it('is counted every time while that is cheap', async () => {
    const recent = createRecent()
    const count = vi.fn(async () => 12)
    for (let i = 0; i < 3; i++) expect(await recent.total(here, 'a', count)).toBe(12)
    expect(count).toHaveBeenCalledTimes(3)
  })

  it('is kept for a while when it is large, by its key, however long that is', async () => {
    const recent = createRecent()
    const count = vi.fn(async () => 50_000)
    const long = 'x'.repeat(100_000)
    await Promise.all(['a', 'a', 'b', long].map((key) => recent.total(here, key, count)))
    for (const key of ['a', 'b', long]) await recent.total(here, key, count)
    expect(count).toHaveBeenCalledTimes(3)
  })

  it('is counted again after a change that may be seen in it', async () => {
    const recent = createRecent()
    const counts = { here: 0, project: 0, elsewhere: 0, everything: 0 }
    const look = () =>
      Promise.all(
        Object.entries({
          here,
          project: { project: 'library' },
          elsewhere: { repository: 'library/other' },
          everything: 'everything' as const,
        }).map(([key, scope]) =>
          recent.total(scope, key, async () => {
            counts[key as keyof typeof counts]++
            return 50_000
          }),
        ),
      )
    await look()
    recent.forget(app)
    await look()
    expect(counts).toEqual({ here: 2, project: 2, elsewhere: 1, everything: 2 })
    recent.forget()
    await look()
    expect(counts).toEqual({ here: 3, project: 3, elsewhere: 2, everything: 3 })
  })

  it('is not kept when something changed while it was counted', async () => {
    const recent = createRecent()
    const counted: ((total: number) => void)[] = []
    const count = vi.fn(() => new Promise<number>((resolve) => counted.push(resolve)))
    const before = recent.total(here, 'a', count)
    recent.forget(app)
    const after = recent.total(here, 'a', count)
    expect(count).toHaveBeenCalledTimes(2)
    counted[0]?.(50_000)
    expect(await before).toBe(50_000)
    counted[1]?.(50_001)
    expect(await after).toBe(50_001)
    expect(await recent.total(here, 'a', count)).toBe(50_001)
  })

  it('is asked for again after it could not be counted', async () => {
    const recent = createRecent()
    await expect(recent.total(here, 'a', () => Promise.reject(new Error('away')))).rejects.toThrow('away')
    expect(await recent.total(here, 'a', async () => 1)).toBe(1)
  })
})

describe('artifacts in one message', () => {
  const artifact = (id: number, text: string): ArtifactFacts => ({
    id,
    projectId: 1,
    repositoryId: 1,
    repository: 'library/app',
    digest: 'sha256:0',
    kind: 'IMAGE',
    mediaType: 'a/b',
    configMediaType: null,
    artifactType: null,
    subject: null,
    sizeBytes: 1,
    manifestBytes: 1,
    icon: null,
    pushedAt: '2026-01-01T00:00:00.000Z',
    pulledAt: null,
    pullCount: 0,
    extraAttrs: { text },
    annotations: { text },
    tags: [],
    tagCount: 0,
    labels: [],
    accessories: [],
    accessoryCount: 0,
    inheritedAccessories: [],
    references: Array.from({ length: 20 }, (_, n) => ({
      parentId: id,
      childId: n,
      childDigest: 'sha256:1',
      platform: { os: 'linux' },
      annotations: { text },
      urls: null,
    })),
    referenceCount: 20,
    verdicts: [
      { scanner: 's', severity: 'low', summary: { text }, revision: 1, scannedAt: '2026-01-01T00:00:00.000Z' },
    ],
    additions: [],
    accessoryType: null,
    accessoryOf: null,
    isTrimmed: false,
  })

  it('are left as they are when they fit', () => {
    const both = [artifact(1, 'x'), artifact(2, 'y')]
    expect(fitted(both)).toEqual(both)
  })

  it('are cut where they are largest, and say so', () => {
    const [small, large] = fitted([artifact(1, 'x'), artifact(2, 'y'.repeat(5_000))], 110_000)
    expect(small).toEqual(artifact(1, 'x'))
    expect(large).toMatchObject({ extraAttrs: null, isTrimmed: true, referenceCount: 20 })
    expect(large?.references).toHaveLength(20)
  })

  it('fit however large they are', () => {
    const all = fitted(Array.from({ length: 100 }, (_, n) => artifact(n, 'z'.repeat(20_000))))
    expect(Buffer.byteLength(JSON.stringify(all))).toBeLessThan(900_000)
    expect(all.every((one) => one.digest === 'sha256:0' && one.referenceCount === 20)).toBe(true)
  })
})
