import { z } from 'zod'

/** No control character, no half of a surrogate pair: Postgres takes neither. */
const Printable = z.string().regex(/^\P{C}+$/u)

const Selector = z.object({
  /** A doublestar pattern, matched against the name of a repository without its project, or against a tag. */
  pattern: Printable.max(256),
  /** The selector holds for what the pattern does not match. */
  excludes: z.boolean(),
})

/** Protects the tags every selector of both lists holds for; an empty list holds for everything. */
export const ImmutabilityRule = z.object({
  repositories: z.array(Selector).max(8),
  tags: z.array(Selector).max(8),
})
export type ImmutabilityRule = z.output<typeof ImmutabilityRule>

/** From none to the worst. */
export const SEVERITIES = ['none', 'low', 'medium', 'high', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/** What a project demands of pushes and pulls, beside access and quota; the bounds keep it within one message. */
export const ProjectPolicy = z.object({
  immutabilityRules: z.array(ImmutabilityRule).max(100).default([]),
  /** Only artifacts with an accessory `signature.notation` may be pulled. */
  contentTrust: z.boolean().default(false),
  /** Only artifacts with an accessory `signature.cosign` may be pulled. */
  contentTrustCosign: z.boolean().default(false),
  /** Artifacts found to be this bad or worse may not be pulled; `null`: all may. */
  preventVulnerableFrom: z.enum(SEVERITIES).nullable().default(null),
  /** Whose verdicts count, by the name it has in `verdict.set`; `null`: no scanner is registered. */
  scanner: z.string().min(1).max(255).nullable().default(null),
  /** CVE ids that count for nothing. */
  cveAllowlist: z.array(Printable.max(32)).max(5_000).default([]),
  /** When the allowlist ends; `null`: never. */
  cveAllowlistUntil: z.iso.datetime().nullable().default(null),
  /** Blobs are sent by us, not by a redirect to the object storage. */
  streamBlobs: z.boolean().default(false),
})
export type ProjectPolicy = z.output<typeof ProjectPolicy>

/** Demands nothing. */
export const NO_POLICY: ProjectPolicy = ProjectPolicy.parse({})

/** What the registry must know of a project to enforce its policy; owned by core, kept in the registry's table. */
export const RegistryProject = z.object({
  id: z.number().int().positive(),
  name: z.string().min(1).max(255),
  kind: z.enum(['local', 'proxy']),
  state: z.enum(['open', 'deleting', 'deleted']),
  public: z.boolean(),
  /** Raised when who may do what changes; a token that carries an older one is refused. */
  accessRevision: z.number().int().nonnegative(),
  /** Bytes; -1 is without limit. */
  quotaLimitBytes: z.number().int().min(-1),
  policy: ProjectPolicy.default(NO_POLICY),
  /** Raised by every change; an older one is ignored. */
  revision: z.number().int().nonnegative(),
})
export type RegistryProject = z.output<typeof RegistryProject>
