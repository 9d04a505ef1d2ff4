import { z } from 'zod'
import { defineAsk } from '../ask.ts'
import { SEVERITIES } from '../project.ts'
import { ArtifactReference, judgedRepository } from './registry-shapes.ts'

const MAX_CVES = 10_000

const labelled = {
  ...judgedRepository,
  reference: ArtifactReference,
  /** Whether there is such a label, and whether it may be used here, core has seen to. */
  labelId: z.number().int().positive(),
}

export const labelAttach = defineAsk({
  service: 'registry',
  noun: 'label',
  verb: 'attach',
  summary: 'Puts a label on an artifact; refused (CONFLICT) when it is there',
  effect: 'write',
  caller: 'service',
  request: z.object(labelled),
  response: z.object({ artifactId: z.number().int() }),
})

export const labelDetach = defineAsk({
  service: 'registry',
  noun: 'label',
  verb: 'detach',
  summary: 'Takes a label off an artifact; NOT_FOUND when it is not there',
  effect: 'write',
  caller: 'service',
  request: z.object(labelled),
  response: z.object({ artifactId: z.number().int() }),
})

export const labelPurge = defineAsk({
  service: 'registry',
  noun: 'label',
  verb: 'purge',
  summary: 'Takes a label that is deleted off every artifact, some seconds of it at a time: ask again until `done`',
  effect: 'write',
  caller: 'service',
  timeoutMs: 20_000,
  request: z.object({ labelId: z.number().int().positive() }),
  response: z.object({ detached: z.number().int().nonnegative(), done: z.boolean() }),
})

export const verdictSet = defineAsk({
  service: 'registry',
  noun: 'verdict',
  verb: 'set',
  summary: 'What a scanner has found in an artifact, for lists and for pulls; an older revision is ignored',
  effect: 'write',
  caller: 'service',
  request: z.object({
    ...judgedRepository,
    digest: z.string().max(200),
    scanner: z.string().regex(/^[^\0]{1,255}$/),
    /** The worst that was found; counts by itself unless one of `cves` has it. */
    severity: z.enum(SEVERITIES),
    /** For lists; passed on unread. */
    summary: z.record(z.string(), z.unknown()).nullable().default(null),
    /** The severity of each CVE, by its id. */
    cves: z
      .record(z.string().regex(/^[\x20-\x7e]{1,64}$/), z.enum(SEVERITIES))
      .refine((cves) => Object.keys(cves).length <= MAX_CVES, `at most ${MAX_CVES}`)
      .default({}),
    scannedAt: z.iso.datetime(),
    revision: z.number().int().nonnegative(),
  }),
  /** The one in force. */
  response: z.object({ revision: z.number().int() }),
})
