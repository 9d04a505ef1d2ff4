import { z } from 'zod'

/**
 * A project as core has judged somebody by. The registry refuses (PRECONDITION) when who may do what has changed since,
 * and knows nothing of a project under another id.
 */
export const JudgedProject = z.object({
  id: z.number().int().positive(),
  accessRevision: z.number().int().nonnegative(),
})
export type JudgedProject = z.output<typeof JudgedProject>

/** Which projects somebody may see, as core says. */
export const VisibleProjects = z.union([
  z.object({ kind: z.literal('all') }),
  /** These, and with `publicToo` every public one. */
  z.object({
    kind: z.literal('some'),
    ids: z.array(z.number().int().positive()).max(10_000),
    publicToo: z.boolean().default(false),
  }),
])
export type VisibleProjects = z.output<typeof VisibleProjects>

/** A repository by its whole name, `library/nginx`, in the project core has judged. */
export const judgedRepository = { project: JudgedProject, repository: z.string().min(3).max(255) }

/** A tag or a digest. */
export const ArtifactReference = z.string().min(1).max(255)

/** For events and the audit: the name of the account it is done for. */
export const actor = z.string().max(255).optional()

/** Harbor's words for lists; the text of `q` and `sort` as it came, see packages/db. */
export const listQuery = {
  q: z.string().max(4_096).optional(),
  sort: z.string().max(512).optional(),
  page: z.number().int().min(1).max(1_000_000_000).default(1),
  pageSize: z.number().int().min(1).max(100).default(10),
}

/** How many rows fit the filter; of more than a few thousand it may be some seconds old. */
export const total = z.number().int().nonnegative()

const bytes = z.number().int().nonnegative()
const time = z.iso.datetime()
/** What a manifest or a config holds, passed on unread. */
const Opaque = z.record(z.string(), z.unknown())

export const TagFacts = z.object({
  id: z.number().int(),
  repositoryId: z.number().int(),
  artifactId: z.number().int(),
  name: z.string(),
  digest: z.string(),
  pushedAt: time,
  /** `null`: never. */
  pulledAt: time.nullable(),
  /** A rule of the project keeps it from being moved and deleted. */
  immutable: z.boolean(),
})
export type TagFacts = z.output<typeof TagFacts>

export const AccessoryFacts = z.object({
  /** Of the accessory itself, which is an artifact. */
  artifactId: z.number().int(),
  digest: z.string(),
  /** `signature.cosign`, `signature.notation`, `accelerator.nydus`, `sbom.harbor`, `subject.accessory` */
  type: z.string(),
  /** With everything it names. */
  sizeBytes: bytes,
  icon: z.string().nullable(),
  createdAt: time,
  subjectDigest: z.string(),
  /** `null`: the subject is not here. */
  subjectId: z.number().int().nullable(),
})
export type AccessoryFacts = z.output<typeof AccessoryFacts>

export const ChildFacts = z.object({
  parentId: z.number().int(),
  childId: z.number().int(),
  childDigest: z.string(),
  platform: Opaque.nullable(),
  annotations: Opaque.nullable(),
  urls: z.array(z.string()).nullable(),
})
export type ChildFacts = z.output<typeof ChildFacts>

export const VerdictFacts = z.object({
  scanner: z.string(),
  severity: z.string(),
  summary: Opaque.nullable(),
  revision: z.number().int(),
  scannedAt: time,
})
export type VerdictFacts = z.output<typeof VerdictFacts>

/** One manifest in one repository, as the API shows it. What lists in it are cut short have their whole length beside. */
export const ArtifactFacts = z.object({
  id: z.number().int(),
  projectId: z.number().int(),
  repositoryId: z.number().int(),
  repository: z.string(),
  digest: z.string(),
  /** IMAGE, CHART, … */
  kind: z.string(),
  mediaType: z.string(),
  configMediaType: z.string().nullable(),
  artifactType: z.string().nullable(),
  subject: z.string().nullable(),
  /** With everything it names. */
  sizeBytes: bytes,
  /** Of the manifest alone. */
  manifestBytes: bytes,
  icon: z.string().nullable(),
  pushedAt: time,
  pulledAt: time.nullable(),
  pullCount: z.number().int().nonnegative(),
  /** What its config says; `null` while it has not been read, or where there is nothing to read. */
  extraAttrs: Opaque.nullable(),
  annotations: Opaque.nullable(),
  tags: z.array(TagFacts),
  tagCount: z.number().int().nonnegative(),
  /** Ids; the labels themselves are core's. */
  labels: z.array(z.number().int()),
  accessories: z.array(AccessoryFacts),
  accessoryCount: z.number().int().nonnegative(),
  /** Those of the indexes that name it. */
  inheritedAccessories: z.array(AccessoryFacts),
  references: z.array(ChildFacts),
  referenceCount: z.number().int().nonnegative(),
  verdicts: z.array(VerdictFacts),
  /** Names for `artifact.addition`. */
  additions: z.array(z.string()),
  /** Set when it is an accessory itself. */
  accessoryType: z.string().nullable(),
  accessoryOf: z.string().nullable(),
  /** More was cut than the counts say, so that the answer fits a message: `artifact.get` has the rest. */
  isTrimmed: z.boolean(),
})
export type ArtifactFacts = z.output<typeof ArtifactFacts>

export const RepositoryFacts = z.object({
  id: z.number().int(),
  projectId: z.number().int(),
  project: z.string(),
  isPublic: z.boolean(),
  /** `library/nginx` */
  name: z.string(),
  description: z.string(),
  /** Of the description only the start is told: `repository.get` has all of it. */
  isTrimmed: z.boolean(),
  artifactCount: z.number().int().nonnegative(),
  pullCount: z.number().int().nonnegative(),
  createdAt: time,
  /** Of the last push, or change of its description. */
  updatedAt: time,
})
export type RepositoryFacts = z.output<typeof RepositoryFacts>
