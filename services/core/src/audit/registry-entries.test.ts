import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { entryOfEvent } from './registry-entries.ts'

const artifact = {
  projectId: 7,
  repository: 'library/nginx',
  digest: `sha256:${'a'.repeat(64)}`,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
}
const id = randomUUID()
const event = (type: string, data: object, more: object = {}) => ({
  id,
  type: `event.${type}`,
  occurredAt: '2026-11-20T12:00:00.000Z',
  revision: 3,
  actor: 'alice',
  address: '203.0.113.9',
  requestId: 'r-1',
  data: { ...artifact, ...data },
  ...more,
})

describe('an event of the registry', () => {
  it('of a push is the creation of an artifact, with who, from where and in which request', () => {
    expect(entryOfEvent(event('artifact.pushed', { sizeBytes: 9, tags: ['1', 'latest'] }))?.row).toEqual({
      occurredAt: new Date('2026-11-20T12:00:00.000Z'),
      username: 'alice',
      operation: 'create',
      resourceType: 'artifact',
      resource: 'library/nginx:1,latest',
      description: '',
      succeeded: true,
      projectId: 7,
      address: '203.0.113.9',
      requestId: 'r-1',
      eventId: id,
    })
  })

  it.each([
    ['artifact.pushed', { sizeBytes: 9, tags: [] }, 'create artifact', `library/nginx@${artifact.digest}`, ''],
    ['artifact.deleted', { tags: ['1'] }, 'delete artifact', 'library/nginx:1', ''],
    [
      'artifact.pulled',
      { tag: '1', count: 1, pulledAt: '2026-11-20T12:00:00Z' },
      'pull artifact',
      'library/nginx:1',
      '',
    ],
    [
      'artifact.pulled',
      { count: 12, pulledAt: '2026-11-20T12:00:00Z' },
      'pull artifact',
      `library/nginx@${artifact.digest}`,
      '12 times',
    ],
    ['tag.created', { tag: '2' }, 'create tag', 'library/nginx:2', ''],
    ['tag.deleted', { tag: '2' }, 'delete tag', 'library/nginx:2', ''],
  ])('%s %j is "%s" of %s', (type, data, what, resource, description) => {
    const row = entryOfEvent(event(type, data))?.row
    expect([`${row?.operation} ${row?.resourceType}`, row?.resource, row?.description]).toEqual([
      what,
      resource,
      description,
    ])
  })

  it('names the first ten of very many tags', () => {
    const tags = Array.from({ length: 12 }, (_, n) => `t${n}`)
    const row = entryOfEvent(event('artifact.deleted', { tags }))?.row
    expect(row?.resource).toBe(`library/nginx:${tags.slice(0, 10).join(',')}`)
    expect(row?.description).toBe('and 2 more tags')
  })

  it('without an actor is that of nobody in particular', () => {
    expect(entryOfEvent(event('tag.created', { tag: '2' }, { actor: undefined }))?.row.username).toBe('anonymous')
  })

  it('of another kind is nothing to the audit log, and one that is broken is an error', () => {
    expect(entryOfEvent(event('artifact.signed', {}))).toBeUndefined()
    expect(() => entryOfEvent({ type: 'event.tag.created' })).toThrow()
    expect(() => entryOfEvent(event('tag.created', {}))).toThrow()
  })
})
