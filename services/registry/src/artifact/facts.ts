import type { ChildDescriptor, Digest, Manifest } from '@berth/oci'
import { type Accessory, accessoryOf } from './accessory.ts'
import { kindOf } from './kind.ts'

export interface ArtifactFacts {
  kind: string
  configDigest?: Digest
  configMediaType?: string
  /** The manifest and every blob it lists; of an index without its children. Bytes. */
  ownBytes: number
  accessory?: Accessory
}

/** What the tables say of a manifest without looking into its config. */
export function factsOf(manifest: Manifest, digest: Digest, tags: readonly string[]): ArtifactFacts {
  const config = manifest.kind === 'image' ? manifest.config : undefined
  return {
    kind: kindOf(manifest),
    // Postgres keeps no text with a NUL in it; no media type has one.
    ...(config && { configDigest: config.digest, configMediaType: config.mediaType.replaceAll('\0', '') }),
    ownBytes: ownBytesOf(manifest),
    accessory: accessoryOf(manifest, digest, tags),
  }
}

/** Adds sizes that are only said: never more than can be counted. */
export function sumBytes(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => Math.min(Number.MAX_SAFE_INTEGER, sum + size), 0)
}

function ownBytesOf(manifest: Manifest): number {
  if (manifest.kind !== 'image') return manifest.sizeBytes
  return sumBytes([
    manifest.sizeBytes,
    manifest.config?.sizeBytes ?? 0,
    ...manifest.layers.map(({ sizeBytes }) => sizeBytes),
  ])
}

/** What an index says of one of its children, as `manifest_child` keeps it: JSON texts, absent ones `null`. */
export interface ChildFacts {
  position: number
  platform: string | null
  annotations: string | null
  urls: string | null
}

/** By digest; of a child named twice what is said first. */
export function childFactsOf(children: readonly ChildDescriptor[]): Map<string, ChildFacts> {
  const facts = new Map<string, ChildFacts>()
  for (const [position, child] of children.entries()) {
    if (facts.has(child.digest)) continue
    facts.set(child.digest, {
      position,
      platform: textOf(platformBody(child)),
      annotations: textOf(child.annotations),
      urls: textOf(child.urls),
    })
  }
  return facts
}

/** Spelled as the image specification and the API spell it. */
function platformBody({ platform }: ChildDescriptor): unknown {
  if (platform === undefined) return undefined
  const { architecture, os, osVersion, osFeatures, variant } = platform
  return {
    architecture,
    os,
    ...(osVersion && { 'os.version': osVersion }),
    ...(osFeatures && { 'os.features': osFeatures }),
    ...(variant && { variant }),
  }
}

function textOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value)
}
