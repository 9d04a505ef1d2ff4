import { randomUUID } from 'node:crypto'
import { NO_POLICY } from '@berth/types'
import { describe, expect, it } from 'vitest'
import { projectIn } from './follow-projects.ts'

const project = {
  id: 1,
  name: 'library',
  kind: 'local',
  state: 'open',
  public: true,
  accessRevision: 1,
  quotaLimitBytes: -1,
  policy: NO_POLICY,
  revision: 1,
}

function message(subject: string, data: unknown) {
  const event = { id: randomUUID(), type: subject, occurredAt: new Date().toISOString(), revision: 1, data }
  return { subject, data: new TextEncoder().encode(JSON.stringify(event)) }
}

describe('an event about a project', () => {
  it('says how the project is to be', () => {
    expect(projectIn(message('event.project.created', { project }))).toEqual(project)
    expect(projectIn(message('event.project.updated', { project }))).toEqual(project)
    expect(projectIn(message('event.project.deleted', { project }))).toEqual({ ...project, state: 'deleted' })
  })

  it('says nothing when it cannot be read', () => {
    expect(projectIn(message('event.project.renamed', { project }))).toBeUndefined()
    expect(projectIn(message('event.project.created', { project: { ...project, id: 'x' } }))).toBeUndefined()
    expect(projectIn({ subject: 'event.project.created', data: new TextEncoder().encode('{') })).toBeUndefined()
  })
})
