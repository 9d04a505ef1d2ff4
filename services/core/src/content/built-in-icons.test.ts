import { digestOf } from '@berth/oci'
import { describe, expect, it } from 'vitest'
import { accessoryIcon, findBuiltInIcon, kindIcon } from './built-in-icons.ts'

describe('a picture of ours', () => {
  it.each(['IMAGE', 'CHART', 'CNAB', 'WASM', 'SBOM', 'CNAI', 'UNKNOWN', 'ROCKET', 'constructor'])(
    'is there for artifacts of the kind %s, under its digest',
    (kind) => {
      const digest = kindIcon(kind)
      const icon = findBuiltInIcon(digest)
      expect(icon?.contentType).toBe('image/svg+xml')
      expect(icon?.bytes.toString()).toMatch(
        /^<svg [^<]*viewBox="0 0 48 48"[^<]*>(?:<(?:path|rect|circle) [^<]*\/>)+<\/svg>$/,
      )
      expect(icon && digestOf(icon.bytes)).toBe(digest)
    },
  )

  it('tells kinds apart, and what somebody else thought of from them', () => {
    const kinds = ['IMAGE', 'CHART', 'CNAB', 'WASM', 'SBOM', 'CNAI', 'ROCKET']
    expect(new Set(kinds.map(kindIcon)).size).toBe(kinds.length)
    expect(kindIcon('ROCKET')).toBe(kindIcon('UNKNOWN'))
  })

  it('is there for every type of accessory', () => {
    expect(accessoryIcon('signature.cosign')).toBe(accessoryIcon('signature.notation'))
    for (const type of ['signature.cosign', 'accelerator.nydus', 'sbom.harbor', 'subject.accessory', 'new.thing']) {
      expect(findBuiltInIcon(accessoryIcon(type))).toBeDefined()
    }
  })

  it('is not there under any other digest', () => {
    expect(findBuiltInIcon(`sha256:${'0'.repeat(64)}`)).toBeUndefined()
  })
})
