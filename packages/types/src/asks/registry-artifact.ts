import { z } from 'zod'
import { defineAsk } from '../ask.ts'
import {
  AccessoryFacts,
  ArtifactFacts,
  ArtifactReference,
  actor,
  JudgedProject,
  judgedRepository,
  listQuery,
  total,
  VisibleProjects,
} from './registry-shapes.ts'

export const artifactList = defineAsk({
  service: 'registry',
  noun: 'artifact',
  verb: 'list',
  summary: 'Artifacts of a repository by digest, tagged or not; needs a token with `pull` on it',
  effect: 'read',
  caller: 'person',
  request: z.object({
    repository: z.string().max(255),
    /** Digests after this one, in byte order; absent: from the start. */
    last: z.string().max(512).optional(),
    limit: z.number().int().min(1).max(100).default(100),
  }),
  response: z.object({
    repository: z.string(),
    artifacts: z.array(
      z.object({
        digest: z.string(),
        mediaType: z.string(),
        /** What the manifest says of itself, else the media type of its config. */
        artifactType: z.string().optional(),
        /** Digest of the artifact this one is about. */
        subject: z.string().optional(),
        /** Of the manifest itself. */
        sizeBytes: z.number().int().nonnegative(),
        pushedAt: z.iso.datetime(),
        /** The first twenty in byte order; `tagCount` says how many there are. */
        tags: z.array(z.string()),
        tagCount: z.number().int().nonnegative(),
      }),
    ),
    next: z.string().optional(),
  }),
})

export const artifactSearch = defineAsk({
  service: 'registry',
  noun: 'artifact',
  verb: 'search',
  summary: 'A page of the artifacts of a repository or of a project, filtered and sorted as Harbor does',
  effect: 'read',
  caller: 'service',
  timeoutMs: 10_000,
  request: z.object({
    project: JudgedProject,
    /** The whole name; absent: of all repositories of the project. */
    repository: judgedRepository.repository.optional(),
    /** Of each repository only the artifact pushed last; needs a filter of one `media_type` or `artifact_type`. */
    latestInRepository: z.boolean().default(false),
    ...listQuery,
    /** What `next` of the page before said; goes with no `sort` and no `page`. */
    after: z.string().max(64).optional(),
    /** Inherited accessories and verdicts of scanners are left empty. */
    brief: z.boolean().default(false),
  }),
  response: z.object({ artifacts: z.array(ArtifactFacts), total, next: z.string().optional() }),
})

export const artifactCount = defineAsk({
  service: 'registry',
  noun: 'artifact',
  verb: 'count',
  summary: 'How many artifacts a filter finds in a repository or a project',
  effect: 'read',
  caller: 'service',
  timeoutMs: 10_000,
  request: z.object({
    project: JudgedProject,
    repository: judgedRepository.repository.optional(),
    q: listQuery.q,
  }),
  response: z.object({ total }),
})

const oneArtifact = { ...judgedRepository, reference: ArtifactReference }

export const artifactGet = defineAsk({
  service: 'registry',
  noun: 'artifact',
  verb: 'get',
  summary: 'One artifact by tag or digest',
  effect: 'read',
  caller: 'service',
  request: z.object(oneArtifact),
  response: z.object({ artifact: ArtifactFacts }),
})

export const artifactDelete = defineAsk({
  service: 'registry',
  noun: 'artifact',
  verb: 'delete',
  summary:
    'Deletes an artifact, named by tag or digest, with its tags and accessories; refused when an index names it ' +
    '(VIOLATE_FOREIGN_KEY_CONSTRAINT) or a tag is immutable (PRECONDITION)',
  effect: 'write',
  caller: 'service',
  timeoutMs: 20_000,
  request: z.object({ ...oneArtifact, actor }),
  response: z.object({ digest: z.string() }),
})

export const artifactCopy = defineAsk({
  service: 'registry',
  noun: 'artifact',
  verb: 'copy',
  summary:
    'Copies an artifact with its tags, children and accessories into another repository without moving a byte, ' +
    'some seconds of it at a time: ask again until `done`. The artifact itself and its tags come last',
  effect: 'write',
  caller: 'service',
  timeoutMs: 30_000,
  request: z.object({ from: z.object(oneArtifact), to: z.object(judgedRepository), actor }),
  response: z.object({
    digest: z.string(),
    /** Manifests put this time: those that were there count for nothing. */
    copied: z.number().int().nonnegative(),
    done: z.boolean(),
  }),
})

export const artifactAddition = defineAsk({
  service: 'registry',
  noun: 'artifact',
  verb: 'addition',
  summary: 'What an artifact has beside itself: its build history, the values of a chart, a readme',
  effect: 'read',
  caller: 'service',
  timeoutMs: 20_000,
  request: z.object({ ...oneArtifact, addition: z.string().min(1).max(64) }),
  response: z.object({
    contentType: z.string(),
    /** Base64; REQUEST_ENTITY_TOO_LARGE (413) where it would be more than half a megabyte. */
    content: z.string(),
  }),
})

export const accessoryList = defineAsk({
  service: 'registry',
  noun: 'accessory',
  verb: 'list',
  summary: 'A page of the accessories of an artifact',
  effect: 'read',
  caller: 'service',
  request: z.object({ ...oneArtifact, ...listQuery }),
  response: z.object({ accessories: z.array(AccessoryFacts), total }),
})

export const iconGet = defineAsk({
  service: 'registry',
  noun: 'icon',
  verb: 'get',
  summary: 'The picture some artifact of one of these projects has for its icon',
  effect: 'read',
  caller: 'service',
  request: z.object({ digest: z.string().max(200), projects: VisibleProjects }),
  response: z.object({
    contentType: z.enum(['image/png', 'image/gif', 'image/jpeg']),
    /** Base64; REQUEST_ENTITY_TOO_LARGE (413) where it would be more than half a megabyte. */
    content: z.string(),
  }),
})
