import { BadRequest } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { parseAllowlist, toAllowlistBody } from './allowlist.ts'

const items = (...ids: (string | undefined)[]) => ({ items: ids.map((cve_id) => ({ cve_id })) })

describe('an allowlist', () => {
  it('keeps ids of every catalogue, in their order, and an end', () => {
    const raw = { ...items('CVE-2026-12345', 'GHSA-qj39-pjf2-wmrc', 'ELSA-2026:1234'), expires_at: 1_800_000_000 }
    expect(parseAllowlist(raw)).toEqual({
      cves: ['CVE-2026-12345', 'GHSA-qj39-pjf2-wmrc', 'ELSA-2026:1234'],
      expiresAt: new Date('2027-01-15T08:00:00Z'),
    })
    expect(parseAllowlist({ items: null, expires_at: null })).toEqual({ cves: [] })
  })

  it.each([undefined, '', ' CVE-1', 'CVE 1', '<b>', "x' OR 1=1", 'a'.repeat(33)])('has no item %j', (id) => {
    expect(() => parseAllowlist(items(id))).toThrow(BadRequest)
  })

  it('has nothing twice and no more than five thousand items', () => {
    expect(() => parseAllowlist(items('CVE-1', 'CVE-1'))).toThrow('twice')
    const ids = Array.from({ length: 5_001 }, (_, n) => `CVE-2026-${n}`)
    expect(parseAllowlist(items(...ids.slice(1))).cves).toHaveLength(5_000)
    expect(() => parseAllowlist(items(...ids))).toThrow('at most 5000')
  })

  it.each([-1, 1.5, 1e12, Number.NaN])('does not end at %d', (expires_at) => {
    expect(() => parseAllowlist({ expires_at })).toThrow(BadRequest)
  })

  it('is shown in seconds, that of the suite with the project 0', () => {
    const at = new Date('2026-01-01T00:00:00Z')
    const shown = toAllowlistBody({ id: 1, cves: ['CVE-1'], expiresAt: at, createdAt: at, updatedAt: at })
    expect(shown).toMatchObject({ project_id: 0, expires_at: 1_767_225_600, items: [{ cve_id: 'CVE-1' }] })
    expect(toAllowlistBody({ id: 1, projectId: 3, cves: [], createdAt: at, updatedAt: at })).toMatchObject({
      project_id: 3,
      expires_at: null,
    })
  })
})
