import type { RepositoryName } from '@berth/oci'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { repositorySearch } from '../repository/index.ts'
import { searchTags } from '../tag/index.ts'
import { openTables, type Tables } from '../testing/test-tables.ts'
import { artifactFilter } from './artifact-filter.ts'
import { artifactRows } from './artifact-rows.ts'
import { type ArtifactQuery, artifactSearch } from './artifact-search.ts'
import { createRecent } from './recent.ts'

const MANY = 100_000
const REPOSITORIES = 10_000
const PUSHED = `timestamptz '2026-01-01T00:00:00Z' + n * interval '1 second'`

/** A repository of many artifacts: each has a tag, a label, an accessory for every tenth, a verdict, one child of two. */
const SEED = `
INSERT INTO project (id, name, kind, state, public, access_revision, quota_limit, revision)
  VALUES (1, 'library', 'local', 'open', true, 3, -1, 1);
INSERT INTO repository (project_id, name, listed) VALUES (1, 'library/many', true), (1, 'library/few', true);
INSERT INTO repository (project_id, name, listed, created_at, pull_count)
  SELECT 1, 'library/r-' || lpad(n::text, 5, '0'), true, ${PUSHED}, n FROM generate_series(1, ${REPOSITORIES}) n;
INSERT INTO manifest_content (digest, bytes)
  SELECT 'sha256:' || encode(sha256(n::text::bytea), 'hex'), '{}' FROM generate_series(1, ${MANY}) n;
INSERT INTO manifest (repository_id, digest, media_type, size, kind, config_media_type, artifact_type, total_size,
    pushed_at, accessory_type, accessory_of, subject_digest, shown, extra_attrs)
  SELECT 1, 'sha256:' || encode(sha256(n::text::bytea), 'hex'), 'application/vnd.oci.image.manifest.v1+json', 2,
    CASE WHEN n % 100 = 0 THEN 'CHART' ELSE 'IMAGE' END, 'application/vnd.oci.image.config.v1+json',
    'application/vnd.oci.image.config.v1+json', n, ${PUSHED},
    CASE WHEN n % 10 = 0 THEN 'signature.cosign' END,
    CASE WHEN n % 10 = 0 THEN 'sha256:' || encode(sha256((n - 1)::text::bytea), 'hex') END,
    CASE WHEN n % 10 = 0 THEN 'sha256:' || encode(sha256((n - 1)::text::bytea), 'hex') END,
    n % 10 <> 0, '{"architecture":"amd64","os":"linux"}'
  FROM generate_series(1, ${MANY}) n;
INSERT INTO tag (repository_id, name, manifest_id, revision, pushed_at)
  SELECT 1, 'v' || n, n, n, ${PUSHED} FROM generate_series(1, ${MANY}) n WHERE n % 10 NOT IN (0, 5);
INSERT INTO artifact_label (manifest_id, label_id) SELECT n, 1 FROM generate_series(1, ${MANY}) n;
INSERT INTO artifact_label (manifest_id, label_id) SELECT n, 2 FROM generate_series(1, ${MANY}, 1000) n;
INSERT INTO artifact_verdict (manifest_id, scanner, severity, summary, revision, scanned_at)
  SELECT n, 'trivy', 'high', '{"total":1}', 1, now() FROM generate_series(1, ${MANY}) n;
INSERT INTO manifest_child (parent_id, child_id, position, platform)
  SELECT n, n - 1, 0, '{"architecture":"amd64","os":"linux"}' FROM generate_series(2, ${MANY}, 100) n;
VACUUM (ANALYZE) manifest, tag, repository, artifact_label, artifact_verdict, manifest_child
`

describe('a list of a hundred thousand artifacts', () => {
  const shown = MANY - MANY / 10
  let tables: Tables
  const query = (over: Partial<ArtifactQuery> = {}): ArtifactQuery => ({
    project: { id: 1, accessRevision: 3 },
    repository: 'library/many',
    page: 1,
    pageSize: 10,
    ...over,
  })
  const page = (over: Partial<ArtifactQuery> = {}) => artifactSearch(tables.database, createRecent()).page(query(over))

  const explain = async (text: string, values: unknown[]) =>
    (await tables.sql<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, values)).map((row) => row['QUERY PLAN']).join('\n')

  beforeAll(async () => {
    tables = await openTables()
    for (const statement of SEED.split(';\n')) await tables.sql(statement)
  }, 120_000)
  afterAll(() => tables?.stop())

  /** Names of the statements since it was last asked; those that are put together are `other`. */
  const statements = () =>
    tables.statements().map((name) => (name === '' ? 'other' : name.replace(/^artifact-places-\d+$/, 'places')))

  it.each([
    ['the first page', { page: 1 }],
    ['the first page of a hundred', { page: 1, pageSize: 100 }],
    ['the last one', { page: shown / 10 }],
    ['one behind the end', { page: shown / 10 + 5 }],
    ['one by size', { sort: 'size', page: 7 }],
    ['one by pull time', { sort: '-pull_time,name,size', page: 7 }],
    ['one of what a filter leaves', { q: 'tags=~v99,labels=(1 2),type=IMAGE' }],
    ['one with children and accessories', { q: 'base=*', pageSize: 100 }],
    ['one of the whole project', { repository: undefined, page: 3 }],
  ])('costs a fixed number of statements: %s', async (_, over) => {
    statements()
    const { artifacts } = await page(over)
    const names = statements()
    const isEmpty = artifacts.length === 0
    expect(names).toEqual([
      'judged-find',
      'other',
      ...(isEmpty ? [] : [expect.stringMatching(/other|places/), 'artifact-rows']),
    ])
  })

  it('goes the way to a far page once, and anew after a change', async () => {
    const recent = createRecent()
    const search = artifactSearch(tables.database, recent)
    const middle = query({ page: shown / 20 })
    statements()
    const first = await search.page(middle)
    expect(statements()).toEqual(['judged-find', 'other', 'places', 'places', 'artifact-rows'])
    const again = await Promise.all([search.page(middle), search.page(middle)])
    expect(statements().filter((name) => name === 'places')).toHaveLength(2)
    expect(again).toEqual([first, first])
    // Next page, smaller one, and the same rows counted by ones.
    const next = await search.page(query({ page: shown / 20 + 1 }))
    expect(next.artifacts[0]?.id).toBeLessThan(first.artifacts.at(-1)?.id ?? 0)
    const single = await search.page(query({ page: shown / 2 - 9, pageSize: 1 }))
    expect(single.artifacts).toEqual(first.artifacts.slice(0, 1))
    statements()
    recent.forget('library/many' as RepositoryName)
    expect(await search.page(middle)).toEqual(first)
    expect(statements().filter((name) => name === 'places')).toHaveLength(2)
  })

  it('shows on a far page what is there now, whatever was remembered', async () => {
    const recent = createRecent()
    const search = artifactSearch(tables.database, recent)
    const middle = query({ page: shown / 20 })
    const [gone, ...others] = (await search.page(middle)).artifacts.map(({ id }) => id)
    await tables.sql('UPDATE manifest SET shown = false WHERE id = $1', [gone])
    const ids = (await search.page(middle)).artifacts.map(({ id }) => id)
    expect(ids.slice(0, 9)).toEqual(others)
    expect(ids).toHaveLength(10)
    await tables.sql('UPDATE manifest SET shown = true WHERE id = $1', [gone])
  })

  it('counts no more than once in a while, and anew after a change', async () => {
    const recent = createRecent()
    const search = artifactSearch(tables.database, recent)
    statements()
    await Promise.all([search.page(query()), search.page(query({ page: 2 }))])
    await search.page(query({ page: 3 }))
    const counts = () => statements().filter((name) => name === 'other').length
    expect(counts()).toBe(1)
    recent.forget()
    await search.page(query())
    expect(counts()).toBe(1)
  })

  it.each(['DESC', 'ASC'])('finds its rows in the index alone, from either end: %s', async (direction) => {
    const { where, values } = artifactFilter(undefined, { repositoryId: 1 })
    const order = `m.pushed_at ${direction}, m.id ${direction}`
    const plan = await explain(
      `SELECT m.id FROM manifest m WHERE ${where} ORDER BY ${order} LIMIT 10 OFFSET 45000`,
      values,
    )
    expect(plan).toMatch(/Index Only Scan( Backward)? using manifest_shown_idx/)
    expect(plan).not.toMatch(/Sort|Seq Scan/)
  })

  it('counts in the index alone', async () => {
    const { where, values } = artifactFilter(undefined, { repositoryId: 1 })
    const plan = await explain(`SELECT count(*) FROM manifest m WHERE ${where}`, values)
    expect(plan).toMatch(/Index Only Scan using \w+/)
  })

  it('finds what a page of artifacts has by indexes', async () => {
    const plan = await explain(artifactRows.text, [[90_001, 90_002], 100, 50, 100, 32_768])
    for (const index of ['tag_manifest_idx', 'manifest_accessory_idx', 'artifact_verdict_pkey', 'manifest_child_pkey'])
      expect(plan).toContain(index)
    expect(plan).not.toMatch(/Seq Scan on (?!repository)/)
  })

  it('is the same list from the front and from the back', async () => {
    const last = await page({ page: shown / 10 })
    expect(last.total).toBe(shown)
    expect(last.artifacts.map(({ id }) => id)).toEqual([11, 9, 8, 7, 6, 5, 4, 3, 2, 1])
    const middle = shown / 20
    const [before, after] = [await page({ page: middle }), await page({ page: middle + 1 })]
    const ids = [...before.artifacts, ...after.artifacts].map(({ id }) => id)
    expect(ids).toEqual(ids.toSorted((a, b) => b - a))
    expect(new Set(ids).size).toBe(20)
    expect((await page({ page: shown / 10 + 1 })).artifacts).toEqual([])
    expect((await page({ sort: 'push_time' })).artifacts.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 11])
  })

  it('is walked by cursor without leaving out or repeating one', async () => {
    const first = await page()
    const second = await page({ after: first.next })
    expect(first.artifacts[0]?.id).toBe(MANY - 1)
    expect(second.artifacts.map(({ id }) => id)).toEqual((await page({ page: 2 })).artifacts.map(({ id }) => id))
    const last = await page({ after: '1767225605000000.5', q: 'base=*' })
    expect(last.artifacts.map(({ id }) => id)).toEqual([4, 3, 2, 1])
    expect(last.next).toBeUndefined()
    await expect(page({ after: 'x' })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await expect(page({ after: first.next, sort: 'size' })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })

  it('says of each artifact all that belongs to it', async () => {
    const { artifacts } = await page({ q: 'tags=v99902' })
    expect(artifacts).toHaveLength(1)
    expect(artifacts[0]).toMatchObject({
      id: 99_902,
      projectId: 1,
      repository: 'library/many',
      kind: 'IMAGE',
      sizeBytes: 99_902,
      tagCount: 1,
      tags: [{ name: 'v99902', artifactId: 99_902, pulledAt: null, immutable: false }],
      labels: [1],
      referenceCount: 1,
      references: [{ parentId: 99_902, childId: 99_901, platform: { architecture: 'amd64', os: 'linux' } }],
      verdicts: [{ scanner: 'trivy', severity: 'high', summary: { total: 1 }, revision: 1 }],
      extraAttrs: { architecture: 'amd64' },
      accessories: [],
      isTrimmed: false,
    })
    const signed = (await page({ q: 'tags=v99899' })).artifacts[0]
    expect(signed?.accessories).toMatchObject([{ artifactId: 99_900, type: 'signature.cosign', subjectId: 99_899 }])
  })

  it.each([
    ['tags=*', MANY * 0.8],
    ['tags=nil', MANY * 0.1],
    ['tags=v17', 1],
    ['Tags=v17', 1],
    ['tags=~V9999', 9],
    ['tags={v1 v2 nothing}', 2],
    ['tags=(v1 v2)', 0],
    ['labels=(1 2)', 100],
    ['labels=2', 100],
    ['labels={2 3}', 100],
    ['labels=(1 3)', 0],
    ['base=*', MANY],
    ['base=*,type=CHART', MANY / 100],
    ['type=CHART', 0],
    ['media_type=application/vnd.oci.image.config.v1+json', shown],
    ['manifest_media_type=~index', 0],
    ['size=[99990~]', 9],
    ['push_time=[2026-01-01T00:00:01~2026-01-01T00:00:04]', 4],
    ['pull_time=[2026-01-01T00:00:01~]', 0],
    ['nothing=known', shown],
  ])('filters by %s', async (q, found) => {
    expect((await page({ q })).total).toBe(found)
    expect(await artifactSearch(tables.database, createRecent()).count({ ...query(), q })).toBe(found)
  })

  it.each(['base=x', 'labels=a', 'labels=~1', 'tags=[a~b]', 'size=big', 'push_time=soon', 'type', 'tags=~a\0'])(
    'refuses %j',
    async (q) => {
      await expect(page({ q })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    },
  )

  it('shows of a project the latest of each repository, if one kind is asked for', async () => {
    const over = { repository: undefined, latestInRepository: true }
    const { artifacts, total } = await page({ ...over, q: 'media_type=application/vnd.oci.image.config.v1+json' })
    expect(total).toBe(1)
    expect(artifacts.map(({ id }) => id)).toEqual([MANY - 1])
    await expect(page(over)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })

  it.each([
    ['the first page', { page: 1 }, 'v1'],
    ['the last page', { page: MANY * 0.08, pageSize: 10 }, 'v99989'],
    ['a filter', { q: 'name=~99', pageSize: 100 }, 'v10099'],
    ['the newest', { sort: '-push_time' }, `v${MANY - 1}`],
  ])('has tags, of which a page costs a fixed number of statements: %s', async (_, over, first) => {
    statements()
    const { tags } = await searchTags(tables.database, createRecent(), {
      project: { id: 1, accessRevision: 3 },
      repository: 'library/many',
      page: 1,
      pageSize: 10,
      ...over,
    })
    expect(tables.statements()).toEqual(['judged-find', '', '', 'tag-rows'])
    expect(tags[0]?.name).toBe(first)
  })

  it.each([
    ['the first page', { q: 'name=~r-' }, REPOSITORIES],
    ['the last page', { q: 'name=~r-', page: REPOSITORIES / 10 }, 10],
    ['by name', { sort: 'name', q: 'name=~r-' }, 1],
    ['by pulls', { sort: '-pull_count' }, REPOSITORIES],
    ['by what they hold', { sort: '-artifact_count', q: 'name=~r-' }, REPOSITORIES],
    ['after a name', { after: 'library/r-09000' }, 9_001],
  ])('lies among repositories, of which a page costs a fixed number of statements: %s', async (_, over, first) => {
    const search = repositorySearch(tables.database, createRecent())
    statements()
    const { repositories } = await search.page({
      projects: { kind: 'some', ids: [1], publicToo: true },
      page: 1,
      pageSize: 10,
      ...over,
    })
    expect(tables.statements()).toEqual(['', '', 'repository-rows'])
    expect(repositories[0]?.name).toBe(`library/r-${String(first).padStart(5, '0')}`)
  })

  it('answers every filter and sort with a page or a BAD_REQUEST, however it is put together', async () => {
    const keys = [
      'tags',
      'labels',
      'base',
      'size',
      'push_time',
      'PullTime',
      'digest',
      'name',
      'id',
      'icon',
      '__proto__',
      'x',
    ]
    const values = [
      '*',
      'nil',
      '~',
      '~%_',
      "'",
      '1',
      '-1',
      '99999999999999999999',
      '1e3',
      '[1~2]',
      '[~]',
      '[b~a]',
      '[~2026-01-01]',
    ]
    const lists = [
      '{a b}',
      '(1 2)',
      '{}',
      '()',
      '("a b" c)',
      '\\*',
      '"',
      '%00',
      '%',
      '\u{1F600}',
      '$1',
      ';--',
      '2026-13-45',
      'infinity',
    ]
    const sorts = [
      '',
      '-',
      'size',
      '-push_time,id',
      'nothing',
      "id;'",
      '-pull_time,-artifact_count',
      'toString',
      'name,-name',
    ]
    const all = [...values, ...lists]
    let seed = 7
    const pick = <T>(from: readonly T[]): T => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return from[seed % from.length] as T
    }
    const { database } = tables
    const outcomes = { page: 0, refused: 0 }
    for (let round = 0; round < 600; round++) {
      const terms = Array.from({ length: 1 + (round % 3) }, () => `${pick(keys)}=${pick(all)}`)
      const over = { q: terms.join(','), sort: pick(sorts), page: 1, pageSize: 5 }
      const where = { project: { id: 1, accessRevision: 3 }, repository: 'library/few' }
      const searches = [
        artifactSearch(database, createRecent()).page({ ...where, ...over }),
        searchTags(database, createRecent(), { ...where, ...over }),
        repositorySearch(database, createRecent()).page({
          projects: { kind: 'some', ids: [2], publicToo: false },
          ...over,
        }),
      ]
      for (const outcome of await Promise.allSettled(searches)) {
        if (outcome.status === 'fulfilled') outcomes.page++
        else {
          expect([over, outcome.reason]).toMatchObject([over, { code: 'BAD_REQUEST' }])
          outcomes.refused++
        }
      }
    }
    expect(outcomes.page).toBeGreaterThan(100)
    expect(outcomes.refused).toBeGreaterThan(100)
  })

  it('is there for who was judged by what holds now', async () => {
    const refused = (over: Partial<ArtifactQuery>, code: string) => expect(page(over)).rejects.toMatchObject({ code })
    await refused({ project: { id: 1, accessRevision: 2 } }, 'PRECONDITION')
    await refused({ project: { id: 2, accessRevision: 3 } }, 'NOT_FOUND')
    await refused({ repository: 'library/none' }, 'NOT_FOUND')
    await refused({ repository: 'Library/\0' }, 'NOT_FOUND')
    expect((await page({ project: { id: 1, accessRevision: 9 } })).total).toBe(shown)
    expect((await page({ repository: 'library/few' })).artifacts).toEqual([])
  })
})
