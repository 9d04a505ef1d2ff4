import type { AuditLine } from '@berth/types'
import { describe, expect, it } from 'vitest'
import { formatSyslog, frameMessages } from './syslog-message.ts'

const line: AuditLine = {
  id: '7d0f8f2e-7a2e-4f6c-9d39-8f5b9d5b2f10',
  occurredAt: '2026-11-20T15:04:05.678Z',
  username: 'alice',
  operation: 'create',
  resourceType: 'artifact',
  resource: 'library/nginx:1.27',
  description: '',
  succeeded: true,
  projectId: 1,
  address: '203.0.113.9',
  requestId: 'r-1',
}

describe('a message of syslog', () => {
  it('has the head, the structured data and the text of RFC 5424', () => {
    expect(formatSyslog(line, 'hub')).toBe(
      '<110>1 2026-11-20T15:04:05.678Z hub berth - create_artifact ' +
        '[audit@32473 id="7d0f8f2e-7a2e-4f6c-9d39-8f5b9d5b2f10" user="alice" operation="create" ' +
        'resource_type="artifact" resource="library/nginx:1.27" result="success" project_id="1" ' +
        'address="203.0.113.9" request_id="r-1"] alice create artifact library/nginx:1.27 done',
    )
  })

  it('is a warning when the action failed, and says what came of it', () => {
    const message = formatSyslog({ ...line, succeeded: false, description: 'answered 403' }, 'hub')
    expect(message).toMatch(/^<108>1 /)
    expect(message).toContain('result="failure" description="answered 403"')
    expect(message).toMatch(/ failed$/)
  })

  it('stays one line and one element whatever a thing is called', () => {
    const message = formatSyslog({ ...line, username: 'a"]\\ x\r\n<110>1 fake\u2028', resource: 'e\u0000f' }, 'hub')
    expect(message).toContain('user="a\\"\\]\\\\ x <110>1 fake "')
    expect(message).toContain('resource="e f"')
    expect(message).not.toMatch(/[\r\n\u2028\0]/)
  })

  it('marks a text that is more than ASCII', () => {
    expect(formatSyslog({ ...line, username: 'zoë' }, 'hub')).toContain('] \uFEFFzoë create')
    expect(formatSyslog(line, 'hub')).not.toContain('\uFEFF')
  })

  it('has a dash for a host without a name, and is bounded in length', () => {
    const long = 'ü'.repeat(3_000)
    const message = formatSyslog({ ...line, resource: long, description: long }, '  ')
    expect(message).toMatch(/^<110>1 \S+ - berth /)
    expect(Buffer.byteLength(message)).toBeLessThan(4_000)
  })

  it('is sent with its length in bytes before it', () => {
    expect(frameMessages(['ab', 'ü']).toString()).toBe('2 ab2 ü')
  })
})
