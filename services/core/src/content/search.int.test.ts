import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN, as, type ContentWorld, openContentWorld } from '../testing/content-world.ts'

let world: ContentWorld

beforeAll(async () => {
  world = await openContentWorld()
  for (const name of ['closed/secret-app', 'open/app', 'open/tool'])
    world.content.push({ repository: name, tags: ['1'] })
})
afterAll(() => world?.stop(), 30_000)

interface Found {
  project: { name: string; repo_count?: number }[]
  repository: { repository_name: string; project_name: string; project_public: boolean; artifact_count: number }[]
}
const search = async (word: string, who?: string): Promise<Found> => {
  const answer = await world.core.get(`/search?q=${encodeURIComponent(word)}`, { as: who })
  expect(answer.status, answer.text).toBe(200)
  return answer.body as Found
}
const names = ({ project, repository }: Found) => [
  project.map(({ name }) => name),
  repository.map(({ repository_name }) => repository_name),
]

describe('searching', () => {
  it('finds projects and repositories by a part of their names, in any case', async () => {
    expect(names(await search('O', as('limited')))).toEqual([
      ['closed', 'open'],
      ['closed/secret-app', 'open/app', 'open/tool'],
    ])
    expect((await search('tool')).repository).toEqual([
      {
        project_id: world.projects.open,
        project_name: 'open',
        project_public: true,
        repository_name: 'open/tool',
        pull_count: 0,
        artifact_count: 1,
      },
    ])
    expect((await search('open')).project).toMatchObject([
      { name: 'open', repo_count: 2, metadata: { public: 'true' } },
    ])
    expect(names(await search(''))).toEqual([
      ['library', 'open'],
      ['open/app', 'open/tool'],
    ])
  })

  it('tells nobody of what is not theirs to see (CVE-2022-46463)', async () => {
    for (const who of [undefined, as('stranger')]) {
      expect(names(await search('secret', who))).toEqual([[], []])
      expect(names(await search('closed', who))).toEqual([[], []])
    }
    expect(names(await search('secret', ADMIN))).toEqual([[], ['closed/secret-app']])
  })

  it.each(['%', '_', "'", 'a,b=c', '~', '\\', '"', 'a b', 'ö', 'name=~x', '{a}', 'x'.repeat(300)])(
    'takes %j for letters of a name, which it has none of',
    async (word) => {
      expect(names(await search(word, ADMIN))).toEqual([[], []])
    },
  )

  it('needs a word, and costs two asks', async () => {
    expect((await world.core.get('/search')).status).toBe(422)
    world.takeAsked()
    world.surroundings.peers.counts = 0
    await search('o', ADMIN)
    expect([world.takeAsked(), world.surroundings.peers.counts]).toEqual([['repository.search'], 1])
  })
})

describe('statistics', () => {
  const statistics = async (who: string) => (await world.core.get('/statistics', { as: who })).body

  it('count what the caller may see', async () => {
    const everything = {
      private_project_count: 1,
      private_repo_count: 1,
      public_project_count: 2,
      public_repo_count: 2,
      total_project_count: 3,
      total_repo_count: 3,
    }
    expect(await statistics(ADMIN)).toEqual({ ...everything, total_storage_consumption: 3_000 })
    expect(await statistics(as('limited'))).toEqual({ ...everything, total_storage_consumption: 0 })
    expect(await statistics(as('stranger'))).toEqual({
      private_project_count: 0,
      private_repo_count: 0,
      public_project_count: 2,
      public_repo_count: 2,
      total_project_count: 2,
      total_repo_count: 2,
      total_storage_consumption: 0,
    })
  })

  it('are for whoever has signed in', async () => {
    expect((await world.core.get('/statistics')).status).toBe(401)
  })
})
