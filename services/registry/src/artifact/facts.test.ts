import { digestOf, parseManifest } from '@berth/oci'
import { describe, expect, it } from 'vitest'
import { attributesOf } from './attributes.ts'
import { childFactsOf, factsOf } from './facts.ts'
import { iconTypeOf } from './icon.ts'
import { KIND } from './kind.ts'

const OCI = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'
const IMAGE_CONFIG = 'application/vnd.oci.image.config.v1+json'
const CHART_CONFIG = 'application/vnd.cncf.helm.config.v1+json'
const OWN = digestOf(Buffer.from('own'))

function descriptor(name: string, more: Record<string, unknown> = {}) {
  return { mediaType: 'application/octet-stream', digest: digestOf(Buffer.from(name)), size: 10, ...more }
}

function parsed(mediaType: string, more: Record<string, unknown>) {
  return parseManifest(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...more })), mediaType)
}

function image(config: Record<string, unknown>, more: Record<string, unknown> = {}) {
  const manifest = parsed(OCI, { config: descriptor('config', config), layers: [], ...more })
  if (manifest.kind !== 'image') throw new Error('not an image')
  return manifest
}

describe('what a manifest says of itself', () => {
  it('is its config and the bytes of everything it lists', () => {
    const manifest = image(
      { mediaType: IMAGE_CONFIG, size: 7 },
      { layers: [descriptor('a'), descriptor('b', { size: 20 }), descriptor('a')] },
    )
    expect(factsOf(manifest, OWN, [])).toEqual({
      kind: 'IMAGE',
      configDigest: digestOf(Buffer.from('config')),
      configMediaType: IMAGE_CONFIG,
      ownBytes: manifest.sizeBytes + 7 + 10 + 20 + 10,
      accessory: undefined,
    })
  })

  it('fits into the tables whatever it claims', () => {
    const claim = { size: Number.MAX_SAFE_INTEGER, urls: ['https://example.com'] }
    const layers = Array.from({ length: 3 }, (_, n) => descriptor(`${n}`, claim))
    const facts = factsOf(image({ mediaType: 'a\u0000b' }, { layers, artifactType: 'application/x' }), OWN, [])
    expect(facts).toMatchObject({ ownBytes: Number.MAX_SAFE_INTEGER, configMediaType: 'ab' })
  })

  it('tells the children of an index apart, in their order and by what stands first', () => {
    const manifest = parsed(INDEX, {
      manifests: [
        descriptor('a', { platform: { architecture: 'arm64', os: 'linux', 'os.version': '1', variant: 'v8' } }),
        descriptor('b', { annotations: { b: '\u0000' }, urls: ['https://example.com'] }),
        descriptor('a', { annotations: { late: 'yes' } }),
      ],
    })
    if (manifest.kind !== 'index') throw new Error('not an index')
    const facts = childFactsOf(manifest.children)
    expect([...facts.keys()]).toEqual(['a', 'b'].map((name) => digestOf(Buffer.from(name))))
    expect([...facts.values()].map(({ position }) => position)).toEqual([0, 1])
    const [a, b] = [...facts.values()]
    expect(JSON.parse(a?.platform ?? '')).toEqual({
      architecture: 'arm64',
      os: 'linux',
      'os.version': '1',
      variant: 'v8',
    })
    expect([a?.annotations, a?.urls]).toEqual([null, null])
    expect(JSON.parse(b?.annotations ?? '')).toEqual({ b: '\u0000' })
    expect(JSON.parse(b?.urls ?? '')).toEqual(['https://example.com'])
  })
})

describe('what a config says of an artifact', () => {
  const attributes = (manifest: ReturnType<typeof image>, kind: string, config: unknown) => {
    const text = attributesOf(manifest, kind, Buffer.from(JSON.stringify(config)))
    return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>)
  }

  it('is of an image the same few things every time', () => {
    const manifest = image({ mediaType: IMAGE_CONFIG })
    expect(attributes(manifest, KIND.image, {})).toEqual({
      architecture: '',
      author: '',
      config: {},
      created: null,
      os: '',
    })
    const labels = { maintainer: 'Grace', 'org.opencontainers.image.authors': 'Ada' }
    expect(attributes(manifest, KIND.image, { author: 'Me', config: { Labels: labels } })).toMatchObject({
      author: 'Me',
    })
    expect(attributes(manifest, KIND.image, { author: '', config: { Labels: labels } })).toMatchObject({
      author: 'Ada',
    })
    expect(attributes(manifest, KIND.image, { config: null, author: 7 })).toMatchObject({ author: '', config: {} })
  })

  it('is of WebAssembly what it runs as', () => {
    const annotated = image({ mediaType: IMAGE_CONFIG }, { annotations: { 'run.oci.handler': 'wasm' } })
    expect(attributes(annotated, KIND.wasm, { os: 'wasi' })).toMatchObject({
      'manifest.config.mediaType': IMAGE_CONFIG,
      os: 'wasi',
    })
    const title = { 'org.opencontainers.image.title': 'module.wasm' }
    const module = image(
      { mediaType: 'application/vnd.wasm.config.v1+json' },
      { layers: [descriptor('module', { mediaType: 'application/wasm', annotations: title })] },
    )
    expect(JSON.parse(attributesOf(module, KIND.wasm, undefined) ?? '')).toEqual({
      'manifest.config.mediaType': 'application/vnd.wasm.config.v1+json',
      'manifest.layers.mediaType': 'application/wasm',
      ...title,
    })
  })

  it('loses its longest members rather than all of them', () => {
    const chart = image({ mediaType: CHART_CONFIG })
    const long = { name: 'long', readme: 'x'.repeat(200_000), version: '1' }
    expect(attributes(chart, KIND.chart, long)).toEqual({ name: 'long', version: '1' })
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`key-${n}`, 'x'.repeat(20)]))
    expect(JSON.stringify(attributes(chart, KIND.chart, many)).length).toBeLessThanOrEqual(128 * 1024)
  })

  it('keeps names that mean something elsewhere', () => {
    const text = attributesOf(
      image({ mediaType: CHART_CONFIG }),
      KIND.chart,
      Buffer.from('{"__proto__":{"a":1},"b":2}'),
    )
    expect(text).toBe('{"__proto__":{"a":1},"b":2}')
  })

  it('is nothing when it is no object', () => {
    const chart = image({ mediaType: CHART_CONFIG })
    for (const bytes of ['', '[]', 'null', '"text"', '{']) {
      expect(attributesOf(chart, KIND.chart, Buffer.from(bytes))).toBeUndefined()
    }
    expect(attributesOf(chart, KIND.chart, undefined)).toBeUndefined()
  })
})

describe('an icon', () => {
  it('is told by its first bytes', () => {
    const pictures = ['89504e470d0a1a0a00', '474946383961', '474946383761ff', 'ffd8ffe0']
    const types = ['image/png', 'image/gif', 'image/gif', 'image/jpeg']
    expect(pictures.map((hex) => iconTypeOf(Buffer.from(hex, 'hex')))).toEqual(types)
    for (const text of ['', '<svg>', 'GIF']) expect(iconTypeOf(Buffer.from(text))).toBeUndefined()
  })
})
