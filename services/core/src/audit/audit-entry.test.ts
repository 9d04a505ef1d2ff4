import { describe, expect, it } from 'vitest'
import { type AuditRow, fitRow } from './audit-entry.ts'
import { AUDIT_EVENT_TYPES } from './event-types.ts'

const row: AuditRow = {
  occurredAt: new Date(0),
  username: 'alice',
  operation: 'create',
  resourceType: 'artifact',
  resource: 'library/nginx:1',
  description: '',
  succeeded: true,
}

describe('a row of the audit log', () => {
  it('is kept as it is when nothing is wrong with it', () => {
    expect(fitRow(row)).toEqual(row)
  })

  it('holds no control characters, no half of a character and no more than it may', () => {
    const fit = fitRow({
      ...row,
      username: `a\r\n\0b${'x'.repeat(300)}`,
      resource: '\ud800',
      description: 'ü'.repeat(2_000),
    })
    expect(fit.username).toMatch(/^a bx+…$/)
    expect(fit.username).toHaveLength(255)
    expect(fit.resource).toBe('\ufffd')
    expect(fit.description).toHaveLength(1_024)
  })

  it('holds nothing that looks like a secret', () => {
    const token = `eyJ${'a'.repeat(20)}.${'b'.repeat(20)}.c`
    const secret = `Bearer canary-canary-canary ${token} ldap://cn=x:canary-password@host/`
    const fit = fitRow({ ...row, username: secret, resource: secret, description: secret })
    expect(JSON.stringify(fit)).not.toMatch(/canary|bbbb/)
  })
})

describe('the kinds of entries', () => {
  it('have those of Harbor among them, each once', () => {
    const ofHarbor = ['artifact', 'project', 'user', 'robot', 'member'].flatMap((kind) =>
      ['create', 'delete'].map((operation) => `${operation}_${kind}`),
    )
    const others = ['pull_artifact', 'update_project', 'delete_repository', 'login_user', 'logout_user', 'update_user']
    const more = ['update_configuration', 'update_member']
    expect(AUDIT_EVENT_TYPES).toEqual(expect.arrayContaining([...ofHarbor, ...others, ...more]))
    expect(new Set(AUDIT_EVENT_TYPES).size).toBe(AUDIT_EVENT_TYPES.length)
  })
})
