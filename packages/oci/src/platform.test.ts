import { describe, expect, it } from 'vitest'
import { formatPlatform, parsePlatform } from './platform.ts'

describe('a platform', () => {
  it('is read from an index entry', () => {
    expect(parsePlatform({ platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } }, 'manifests[0]')).toEqual({
      os: 'linux',
      architecture: 'arm64',
      variant: 'v8',
    })
  })

  it('may be absent or empty', () => {
    expect(parsePlatform({}, 'manifests[0]')).toBeUndefined()
    expect(parsePlatform({ platform: null }, 'manifests[0]')).toBeUndefined()
    expect(parsePlatform({ platform: {} }, 'manifests[0]')).toEqual({ os: '', architecture: '' })
  })

  it('is written as command lines spell it', () => {
    expect(formatPlatform({ os: 'linux', architecture: 'arm64', variant: 'v8' })).toBe('linux/arm64/v8')
    expect(formatPlatform({ os: 'linux', architecture: 'amd64' })).toBe('linux/amd64')
    expect(formatPlatform({ os: '', architecture: '' })).toBe('')
  })
})
