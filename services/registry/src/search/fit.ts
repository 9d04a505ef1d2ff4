import type { ArtifactFacts } from '@berth/types'

/** Half a megabyte and a bit: what NATS takes in one message, less room for what is around it. */
const MAX_BYTES = 800_000
const SHORT = 10

type Cut = (artifact: ArtifactFacts) => ArtifactFacts

/** What is given up first is what fewest look at in a list. */
const CUTS: readonly Cut[] = [
  (artifact) => ({ ...artifact, extraAttrs: null }),
  (artifact) => ({
    ...artifact,
    annotations: null,
    verdicts: artifact.verdicts.map((verdict) => ({ ...verdict, summary: null })),
  }),
  (artifact) => ({ ...artifact, references: artifact.references.map((one) => ({ ...one, annotations: null })) }),
  (artifact) => ({
    ...artifact,
    references: artifact.references.slice(0, SHORT),
    accessories: artifact.accessories.slice(0, SHORT),
    inheritedAccessories: artifact.inheritedAccessories.slice(0, SHORT),
    tags: artifact.tags.slice(0, SHORT),
  }),
  (artifact) => ({ ...artifact, references: [] }),
]

/** Cuts whatever is largest, and only so much that all of them fit one message; says of each whether it was cut. */
export function fitted(artifacts: readonly ArtifactFacts[], maxBytes = MAX_BYTES): ArtifactFacts[] {
  const sized = artifacts.map((artifact) => ({ artifact, bytes: bytesOf(artifact), cuts: 0 }))
  let total = sized.reduce((sum, { bytes }) => sum + bytes, 0)
  while (total > maxBytes) {
    const [largest] = sized.filter(({ cuts }) => cuts < CUTS.length).sort((a, b) => b.bytes - a.bytes)
    const cut = largest && CUTS[largest.cuts]
    if (largest === undefined || cut === undefined) break
    const smaller = cut(largest.artifact)
    const saved = largest.bytes - bytesOf(smaller)
    largest.cuts++
    if (saved <= 0) continue
    total -= saved
    largest.artifact = { ...smaller, isTrimmed: true }
    largest.bytes -= saved
  }
  return sized.map(({ artifact }) => artifact)
}

function bytesOf(artifact: ArtifactFacts): number {
  return Buffer.byteLength(JSON.stringify(artifact))
}
