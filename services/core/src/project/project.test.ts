import { BadRequest } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { heedsAllowlist, parseMetadata, parseOneKey, policyIn } from './metadata.ts'
import { parseProjectName, parseProjectRef, parseStorageLimit } from './project.ts'

describe('a project name', () => {
  it.each(['a', 'library', 'a.b', 'a-b_c.d', '0', 'a'.repeat(255)])('may be %s', (name) => {
    expect(parseProjectName(name)).toBe(name)
  })

  it.each([undefined, '', 'A', 'a b', '.a', 'a.', 'a--b', 'a__b', 'a/b', 'a\n', 'ü', 'a'.repeat(256)])(
    'may not be %s',
    (name) => {
      expect(() => parseProjectName(name)).toThrow(BadRequest)
    },
  )
})

describe('a project in a path', () => {
  it.each([
    ['12', false, { id: 12 }],
    ['12', true, { name: '12' }],
    ['a12', false, { name: 'a12' }],
    ['-1', false, { name: '-1' }],
    ['99999999999999999999', false, { name: '99999999999999999999' }],
  ])('named %s (by name: %s) is %o', (text, isName, ref) => {
    expect(parseProjectRef(text, isName)).toEqual(ref)
  })
})

describe('a storage limit', () => {
  it('is of 1 byte to 1024 TiB, or -1 for none', () => {
    for (const bytes of [-1, 1, 1024, 1024 ** 5]) expect(parseStorageLimit(bytes)).toBe(bytes)
    for (const bytes of [0, -2, 1.5, 1024 ** 5 + 1, Number.MAX_VALUE, Number.NaN])
      expect(() => parseStorageLimit(bytes)).toThrow(BadRequest)
  })
})

describe('metadata', () => {
  it('is public when it says so, in any of the ways Harbor knows', () => {
    for (const value of ['true', 'True', '1', 't'])
      expect(parseMetadata({ public: value })).toEqual({ public: true, values: {} })
    expect(parseMetadata({ public: 'false' })).toEqual({ public: false, values: {} })
  })

  it('counts null and nothing as not given and leaves out what it does not know', () => {
    expect(
      parseMetadata({ public: null, auto_scan: '', severity: undefined, whatever: 'x', constructor: 'y' }),
    ).toEqual({
      values: {},
    })
  })

  it.each([
    ['retention_id', '0', '3'],
    ['proxy_speed_kb', '-1', '100'],
    ['max_upstream_conn', '-1', '5'],
    ['proxy_referrer_api', 'false', 'true'],
    ['proxy_cache_local_on_not_found', 'false', 'true'],
    ['proxy_cache_filter_kind', 'doublestar', 'regex'],
  ])('keeps %s as %s and refuses %s, which nothing would enforce', (key, off, on) => {
    expect(parseMetadata({ [key]: off })).toEqual({ values: { [key]: off } })
    expect(() => parseMetadata({ [key]: on })).toThrow('does not enforce')
  })

  it('say what the registry is to demand of pulls', () => {
    const { values } = parseMetadata({ enable_content_trust: 'True', prevent_vul: '1', severity: 'High' })
    const none = { contentTrust: false, contentTrustCosign: false, preventVulnerableFrom: null, streamBlobs: false }
    expect(policyIn(values)).toEqual({ ...none, contentTrust: true, preventVulnerableFrom: 'high' })
    expect(policyIn({ enable_content_trust_cosign: 'true', severity: 'low', prevent_vul: 'false' })).toEqual({
      ...none,
      contentTrustCosign: true,
    })
    expect(policyIn({ prevent_vul: 'true' })).toEqual({ ...none, preventVulnerableFrom: 'none' })
    expect(policyIn({ stream_blobs: 'true' })).toEqual({ ...none, streamBlobs: true })
    expect(policyIn({})).toEqual(none)
  })

  it('say whose allowlist decides, where pulls depend on what a scanner found', () => {
    expect(heedsAllowlist({})).toBeUndefined()
    expect(heedsAllowlist({ reuse_sys_cve_allowlist: 'false' })).toBeUndefined()
    expect(heedsAllowlist({ prevent_vul: 'true' })).toBe('suite')
    expect(heedsAllowlist({ prevent_vul: 'true', reuse_sys_cve_allowlist: 'false' })).toBe('own')
  })

  it('keep the intent to scan, which waits for a scanner', () => {
    expect(parseMetadata({ auto_scan: 'true', auto_sbom_generation: '1' }).values).toEqual({
      auto_scan: 'true',
      auto_sbom_generation: 'true',
    })
  })

  it('are one key at a time where a request is about one', () => {
    expect(parseOneKey({ public: 'True' })).toEqual({ key: 'public', value: 'true' })
    expect(parseOneKey({ severity: 'High' })).toEqual({ key: 'severity', value: 'high' })
    const others: Record<string, string>[] = [
      {},
      { severity: 'low', public: 'true' },
      { unknown: 'x' },
      { toString: 'x' },
      { public: '' },
    ]
    for (const raw of others) {
      expect(() => parseOneKey(raw)).toThrow(BadRequest)
    }
  })

  it('refuse a filter of a proxy and values outside their kind', () => {
    expect(() => parseMetadata({ proxy_cache_filter_pattern: '**' })).toThrow('does not enforce')
    expect(() => parseMetadata({ auto_scan: 'maybe' })).toThrow(BadRequest)
    expect(() => parseMetadata({ severity: 'awful' })).toThrow(BadRequest)
  })
})
