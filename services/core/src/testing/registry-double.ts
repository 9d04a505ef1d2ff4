import { createHash } from 'node:crypto'
import { NotFound, PreconditionFailed } from '@berth/errors'
import type { Answer } from '@berth/messaging'
import type { AccessoryFacts, ArtifactFacts, JudgedProject, RegistryProject, RepositoryFacts } from '@berth/types'
import { doubleAnswers } from './registry-double-answers.ts'

/** An artifact as it is put into the double: what is not said is as for a small image. */
interface PushWish {
  /** `library/nginx`; the project must have been created, or be `library`. */
  repository: string
  tags?: readonly string[]
  /** Makes digests: the same text is the same artifact. */
  content?: string
  facts?: Partial<ArtifactFacts>
  /** Tags a rule of the project keeps. */
  immutable?: readonly string[]
  /** What `artifact.addition` answers, by name. */
  additions?: Record<string, { contentType: string; text: string }>
}

export interface KeptArtifact {
  facts: ArtifactFacts
  additions: NonNullable<PushWish['additions']>
}

export interface KeptRepository {
  facts: RepositoryFacts
  artifacts: KeptArtifact[]
}

/** What the double stands on. */
export interface DoubleState {
  repositories: KeptRepository[]
  icons: Map<string, { contentType: 'image/png'; bytes: Buffer; projectId: number }>
  /** Subjects, in the order they were asked. */
  asked: string[]
  /** How often copying, deleting a repository and purging a label answer `done: false` before they are done. */
  turns: number
  project(id: number): Pick<RegistryProject, 'id' | 'name' | 'public' | 'accessRevision'> | undefined
  /** @throws as the registry does for what core has judged */
  judged(project: JudgedProject, repository: string): KeptRepository
  artifact(repository: KeptRepository, reference: string): KeptArtifact
  push(wish: PushWish): ArtifactFacts
  accessoriesOf(repository: KeptRepository, digest: string): AccessoryFacts[]
}

/** For tests: a registry that keeps content in memory and answers the asks of core about it, as the real one does. */
export interface RegistryDouble extends Pick<DoubleState, 'asked' | 'push' | 'icons'> {
  answers: Answer[]
  /** See {@link DoubleState.turns}. */
  setTurns(turns: number): void
  countRepositories(projectId: number): number
}

const LIBRARY = { id: 1, name: 'library', public: true, accessRevision: 1 }

export function createRegistryDouble(put: readonly RegistryProject[]): RegistryDouble {
  let lastId = 0
  const nextId = () => ++lastId
  const newest = (fits: (project: { id: number; name: string }) => boolean) =>
    put.findLast(fits) ?? (fits(LIBRARY) ? LIBRARY : undefined)

  const state: DoubleState = {
    repositories: [],
    icons: new Map(),
    asked: [],
    turns: 0,
    project: (id) => newest((project) => project.id === id),
    judged({ id, accessRevision }, name) {
      const project = state.project(id)
      if (project === undefined) throw new NotFound(`project ${id} not found`)
      if (project.accessRevision > accessRevision) {
        throw new PreconditionFailed('the project has been changed meanwhile')
      }
      const found = state.repositories.find(({ facts }) => facts.projectId === id && facts.name === name)
      if (found === undefined) throw new NotFound(`repository ${name} not found`)
      return found
    },
    artifact({ facts, artifacts }, reference) {
      const found = artifacts.find(
        (one) => one.facts.digest === reference || one.facts.tags.some(({ name }) => name === reference),
      )
      if (found === undefined) throw new NotFound(`artifact ${facts.name}:${reference} not found`)
      return found
    },
    push: (wish) => {
      const repository = repositoryFor(wish.repository)
      const kept = newArtifact(repository, wish)
      for (const one of repository.artifacts) {
        one.facts.tags = one.facts.tags.filter(({ name }) => !wish.tags?.includes(name))
      }
      repository.artifacts.push(kept)
      return kept.facts
    },
    accessoriesOf: (repository, digest) => {
      const subject = repository.artifacts.find(({ facts }) => facts.digest === digest)
      return repository.artifacts
        .filter(({ facts }) => facts.accessoryOf === digest)
        .map(({ facts }) => ({
          artifactId: facts.id,
          digest: facts.digest,
          type: facts.accessoryType ?? '',
          sizeBytes: facts.sizeBytes,
          icon: facts.icon,
          createdAt: facts.pushedAt,
          subjectDigest: digest,
          subjectId: subject?.facts.id ?? null,
        }))
    },
  }

  function repositoryFor(name: string): KeptRepository {
    const known = state.repositories.find(({ facts }) => facts.name === name)
    if (known) return known
    const project = newest((one) => one.name === name.split('/')[0])
    if (project === undefined) throw new Error(`no project for ${name}`)
    const at = time(nextId())
    const facts: RepositoryFacts = {
      id: nextId(),
      projectId: project.id,
      project: project.name,
      isPublic: state.project(project.id)?.public ?? false,
      name,
      description: '',
      isTrimmed: false,
      artifactCount: 0,
      pullCount: 0,
      createdAt: at,
      updatedAt: at,
    }
    const made: KeptRepository = { facts, artifacts: [] }
    state.repositories.push(made)
    return made
  }

  function newArtifact(repository: KeptRepository, wish: PushWish): KeptArtifact {
    const { tags = [], content = `content ${nextId()}`, immutable = [], additions = {} } = wish
    const id = nextId()
    const digest = wish.facts?.digest ?? `sha256:${createHash('sha256').update(content).digest('hex')}`
    const pushedAt = time(id)
    const facts: ArtifactFacts = {
      ...SMALL_IMAGE,
      id,
      projectId: repository.facts.projectId,
      repositoryId: repository.facts.id,
      repository: repository.facts.name,
      digest,
      pushedAt,
      additions: Object.keys(additions),
      tags: tags.map((name) => ({
        id: nextId(),
        repositoryId: repository.facts.id,
        artifactId: id,
        name,
        digest,
        pushedAt,
        pulledAt: null,
        immutable: immutable.includes(name),
      })),
      tagCount: tags.length,
      ...wish.facts,
    }
    return { facts, additions }
  }

  return {
    asked: state.asked,
    push: state.push,
    icons: state.icons,
    answers: doubleAnswers(state),
    setTurns: (turns) => {
      state.turns = turns
    },
    countRepositories: (projectId) => state.repositories.filter(({ facts }) => facts.projectId === projectId).length,
  }
}

/** A second later with each id. */
function time(id: number): string {
  return new Date(Date.UTC(2026, 0, 1) + id * 1_000).toISOString()
}

const SMALL_IMAGE: Omit<ArtifactFacts, 'id' | 'projectId' | 'repositoryId' | 'repository' | 'digest' | 'pushedAt'> = {
  kind: 'IMAGE',
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  configMediaType: 'application/vnd.oci.image.config.v1+json',
  artifactType: null,
  subject: null,
  sizeBytes: 1_000,
  manifestBytes: 500,
  icon: null,
  pulledAt: null,
  pullCount: 0,
  extraAttrs: { architecture: 'amd64', os: 'linux' },
  annotations: null,
  tags: [],
  tagCount: 0,
  labels: [],
  accessories: [],
  accessoryCount: 0,
  inheritedAccessories: [],
  references: [],
  referenceCount: 0,
  verdicts: [],
  additions: [],
  accessoryType: null,
  accessoryOf: null,
  isTrimmed: false,
}
