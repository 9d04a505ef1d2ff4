import { parseRepositoryName } from '@berth/oci'
import { NO_POLICY } from '@berth/types'
import { describe, expect, it, vi } from 'vitest'
import { createWithProject } from './learn-project.ts'
import { admit, admitChange, admitPush, type ChangeFacts, ProjectUnknown } from './project.ts'

const name = parseRepositoryName('library/app')
const grant = { need: { name, action: 'push' as const }, project: 1, rev: 5 }
const facts = (over: Partial<ChangeFacts> = {}): ChangeFacts => ({
  project_id: 1,
  access_revision: 5,
  state: 'open',
  kind: 'local',
  read_only: false,
  quota_limit: -1,
  used: 0,
  ...over,
})

describe('a grant', () => {
  it('holds in its project, as long as nothing about access has changed', () => {
    expect(admit(facts(), grant)).toEqual(facts())
    expect(admit(facts({ access_revision: 4 }), grant).access_revision).toBe(4)
    expect(() => admit(facts({ access_revision: 6 }), grant)).toThrow('unauthorized to access repository: library/app')
    expect(() => admit(facts({ project_id: 2 }), grant)).toThrow('unauthorized')
    expect(() => admit(undefined, grant)).toThrow(ProjectUnknown)
    expect(() => admit(facts({ state: 'closed' }), grant)).toThrow(ProjectUnknown)
  })

  it('allows changes in an open project only, and pushes in none that is a proxy', () => {
    const deleting = facts({ state: 'deleting' })
    expect(admit(deleting, grant)).toBe(deleting)
    expect(() => admitChange(deleting, grant)).toThrow('being deleted')
    expect(admitChange(facts({ kind: 'proxy' }), grant).kind).toBe('proxy')
    expect(() => admitPush(facts({ kind: 'proxy' }), grant)).toThrow('proxy project')
    expect(() => admitChange(facts({ read_only: true }), grant)).toThrow('in read only mode')
    expect(admit(facts({ read_only: true }), grant).read_only).toBe(true)
  })
})

describe('work in a project without a row', () => {
  const project = {
    id: 1,
    name: 'library',
    kind: 'local' as const,
    state: 'open' as const,
    public: true,
    accessRevision: 1,
    quotaLimitBytes: -1,
    policy: NO_POLICY,
    revision: 1,
  }
  const unknown = () => Promise.reject(new ProjectUnknown('unknown'))

  it('is done again once core has told of it', async () => {
    const put = vi.fn(async () => 1)
    const withProject = createWithProject({ put }, async () => project)
    const work = vi
      .fn<() => Promise<string>>()
      .mockRejectedValueOnce(new ProjectUnknown('unknown'))
      .mockResolvedValue('ok')
    await expect(withProject(name, work)).resolves.toBe('ok')
    expect(put).toHaveBeenCalledWith(project)
  })

  it('fails when there is none, and core is not asked again in the same second', async () => {
    const ask = vi.fn(async () => null)
    const withProject = createWithProject({ put: async () => 1 }, ask)
    for (let i = 0; i < 3; i++) {
      await expect(withProject(name, unknown)).rejects.toMatchObject({ code: 'NAME_UNKNOWN' })
    }
    expect(ask).toHaveBeenCalledTimes(1)
  })

  it('asks once for many who wait, and passes other failures on', async () => {
    const ask = vi.fn(async () => null)
    const withProject = createWithProject({ put: async () => 1 }, ask)
    await Promise.allSettled(Array.from({ length: 5 }, () => withProject(name, unknown)))
    expect(ask).toHaveBeenCalledTimes(1)
    await expect(withProject(name, () => Promise.reject(new Error('other')))).rejects.toThrow('other')
    const away = createWithProject({ put: async () => 1 }, () => Promise.reject(new Error('away')))
    await expect(away(name, unknown)).rejects.toThrow('away')
  })
})
