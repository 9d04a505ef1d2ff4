import { parseListQuery, type Term } from '@berth/db'
import { BadRequest, Conflict, DomainError, type ErrorCode, NotFound, PreconditionFailed } from '@berth/errors'
import { type Answer, answer } from '@berth/messaging'
import { findTag } from '@berth/oci'
import {
  type ArtifactFacts,
  type Ask,
  accessoryList,
  artifactAddition,
  artifactCopy,
  artifactCount,
  artifactDelete,
  artifactGet,
  artifactSearch,
  iconGet,
  labelAttach,
  labelDetach,
  labelPurge,
  projectTally,
  projectUsage,
  type RequestOf,
  repositoryDelete,
  repositoryGet,
  repositorySearch,
  repositoryUpdate,
  statisticsCount,
  tagCreate,
  tagDelete,
  tagSearch,
  type VisibleProjects,
} from '@berth/types'
import type { z } from 'zod'
import type { DoubleState, KeptArtifact, KeptRepository } from './registry-double.ts'
import { type Columns, fits, pageOfRows } from './registry-double-lists.ts'

class IndexHolds extends DomainError {
  override name = 'IndexHolds'
  readonly code: ErrorCode = 'VIOLATE_FOREIGN_KEY_CONSTRAINT'
}

/** How the double answers each ask. */
export function doubleAnswers(state: DoubleState): Answer[] {
  const open = new Map<string, number>()
  /** False as often as `turns` says, then true. */
  const isDone = (what: string): boolean => {
    const left = open.get(what) ?? state.turns
    open.set(what, left - 1)
    if (left > 0) return false
    open.delete(what)
    return true
  }
  const counted = <A extends Ask>(ask: A, work: (request: RequestOf<A>) => z.input<A['response']>): Answer =>
    answer(ask, async (request: RequestOf<A>) => {
      state.asked.push(ask.subject.replace('svc.registry.v1.', ''))
      return work(request)
    })
  const whole = (repository: KeptRepository, { facts }: KeptArtifact): ArtifactFacts => {
    const accessories = state.accessoriesOf(repository, facts.digest)
    const parents = repository.artifacts.filter((one) =>
      one.facts.references.some(({ childDigest }) => childDigest === facts.digest),
    )
    return {
      ...facts,
      tagCount: facts.tags.length,
      accessories,
      accessoryCount: accessories.length,
      inheritedAccessories: parents.flatMap((one) => state.accessoriesOf(repository, one.facts.digest)),
    }
  }
  const visible = (projects: VisibleProjects) => (repository: KeptRepository) =>
    projects.kind === 'all' ||
    projects.ids.includes(repository.facts.projectId) ||
    (projects.publicToo && state.project(repository.facts.projectId)?.public === true)
  const factsOf = (repository: KeptRepository) => ({ ...repository.facts, artifactCount: shownIn(repository).length })

  return [
    counted(repositorySearch, ({ projects, after, ...wish }) => {
      const seen = state.repositories.filter(visible(projects)).map(factsOf).toReversed()
      const columns = ({ name, projectId, pullCount }: (typeof seen)[number]): Columns => ({
        name,
        project_id: projectId,
        pull_count: pullCount,
      })
      if (after === undefined) {
        const { rows, total } = pageOfRows(seen, columns, wish)
        return { repositories: rows, total }
      }
      const { rows, total } = pageOfRows(
        seen.filter(({ name }) => name > after),
        columns,
        { ...wish, sort: 'name', page: 1 },
      )
      const last = rows.at(-1)
      return { repositories: rows, total, ...(total > rows.length && last && { next: last.name }) }
    }),
    counted(repositoryGet, ({ project, repository }) => ({ repository: factsOf(state.judged(project, repository)) })),
    counted(repositoryUpdate, ({ project, repository, description }) => {
      const found = state.judged(project, repository)
      found.facts.description = description
      return { repository: factsOf(found) }
    }),
    counted(repositoryDelete, ({ project, repository }) => {
      const found = state.judged(project, repository)
      refuseImmutable(found.artifacts)
      const deletedArtifacts = found.artifacts.splice(0, Math.ceil(found.artifacts.length / 2)).length
      if (!isDone(`delete ${repository}`)) return { deletedArtifacts, done: false }
      state.repositories.splice(state.repositories.indexOf(found), 1)
      return { deletedArtifacts: deletedArtifacts + found.artifacts.length, done: true }
    }),
    counted(artifactSearch, ({ project, repository, ...wish }) => {
      if (state.project(project.id) === undefined) throw new NotFound(`project ${project.id} not found`)
      const repositories =
        repository === undefined
          ? state.repositories.filter(({ facts }) => facts.projectId === project.id)
          : [state.judged(project, repository)]
      const terms = parseListQuery(wish.q)
      if (wish.latestInRepository && !terms.some(({ key }) => key === 'media_type' || key === 'artifact_type')) {
        throw new BadRequest('either media_type or artifact_type must be specified')
      }
      const showsAll = terms.some(({ key }) => key === 'base')
      const all = repositories.flatMap((one) =>
        (showsAll ? one.artifacts : shownIn(one)).map((artifact) => whole(one, artifact)),
      )
      const newestFirst = all.filter((one) => extrasFit(terms, one)).toSorted((a, b) => b.id - a.id)
      const latest = newestFirst.filter((one, n) => newestFirst.findIndex(sameRepository(one)) === n)
      const { rows, total } = pageOfRows(wish.latestInRepository ? latest : newestFirst, artifactColumns, wish)
      return { artifacts: rows, total }
    }),
    counted(artifactCount, ({ project, repository }) => {
      const all = state.repositories.filter(
        ({ facts }) => facts.projectId === project.id && (repository === undefined || facts.name === repository),
      )
      return { total: all.flatMap(shownIn).length }
    }),
    counted(artifactGet, ({ project, repository, reference }) => {
      const found = state.judged(project, repository)
      return { artifact: whole(found, state.artifact(found, reference)) }
    }),
    counted(artifactDelete, ({ project, repository, reference }) => {
      const found = state.judged(project, repository)
      const { facts } = state.artifact(found, reference)
      const holder = found.artifacts.find((one) => one.facts.references.some((c) => c.childDigest === facts.digest))
      if (holder) throw new IndexHolds(`the artifact is referenced by ${holder.facts.digest}`)
      refuseImmutable([{ facts, additions: {} }])
      found.artifacts = found.artifacts.filter(
        (one) => ![one.facts.digest, one.facts.accessoryOf].includes(facts.digest),
      )
      return { digest: facts.digest }
    }),
    counted(artifactCopy, ({ from, to }) => {
      const source = state.artifact(state.judged(from.project, from.repository), from.reference)
      const { digest, tags } = source.facts
      if (!isDone(`copy ${digest} ${to.repository}`)) return { digest, copied: 1, done: false }
      if (!to.repository.startsWith(`${state.project(to.project.id)?.name}/`)) throw new NotFound('no such repository')
      const { kind, mediaType } = source.facts
      const names = tags.map(({ name }) => name)
      state.push({ repository: to.repository, tags: names, facts: { digest, kind, mediaType } })
      return { digest, copied: 1, done: true }
    }),
    counted(artifactAddition, ({ project, repository, reference, addition }) => {
      const { facts, additions } = state.artifact(state.judged(project, repository), reference)
      const found = additions[addition]
      if (!found) throw new BadRequest(`addition ${addition.toUpperCase()} isn't supported for ${facts.kind}`)
      return { contentType: found.contentType, content: Buffer.from(found.text).toString('base64') }
    }),
    counted(iconGet, ({ digest, projects }) => {
      const icon = state.icons.get(digest)
      const isSeen =
        icon &&
        (projects.kind === 'all' ||
          projects.ids.includes(icon.projectId) ||
          (projects.publicToo && state.project(icon.projectId)?.public === true))
      if (!icon || !isSeen) throw new NotFound('no such icon')
      return { contentType: icon.contentType, content: icon.bytes.toString('base64') }
    }),
    counted(accessoryList, ({ project, repository, reference, ...wish }) => {
      const found = state.judged(project, repository)
      const all = state.accessoriesOf(found, state.artifact(found, reference).facts.digest)
      const { rows, total } = pageOfRows(
        all,
        ({ type, digest, sizeBytes }) => ({ type, digest, size: sizeBytes }),
        wish,
      )
      return { accessories: rows, total }
    }),
    counted(tagSearch, ({ project, repository, reference, ...wish }) => {
      const found = state.judged(project, repository)
      const of = reference === undefined ? found.artifacts : [state.artifact(found, reference)]
      const { rows, total } = pageOfRows(
        of.flatMap(({ facts }) => facts.tags),
        ({ name, id }) => ({ name, id }),
        wish,
      )
      return { tags: rows, total }
    }),
    counted(tagCreate, ({ project, repository, reference, tag: name }) => {
      const found = state.judged(project, repository)
      const { facts } = state.artifact(found, reference)
      if (findTag(name) === undefined) throw new BadRequest(`invalid tag name: ${name}`)
      if (found.artifacts.some((one) => one.facts.tags.some((tag) => tag.name === name))) {
        throw new Conflict(`tag ${name} already exists under the repository`)
      }
      const { id: artifactId, repositoryId, digest, pushedAt } = facts
      const id = 100_000 + state.asked.length
      const tag = { id, repositoryId, artifactId, name, digest, pushedAt, pulledAt: null, immutable: false }
      facts.tags = [...facts.tags, tag]
      return { tag }
    }),
    counted(tagDelete, ({ project, repository, reference, tag: name }) => {
      const found = state.judged(project, repository)
      const { facts } = state.artifact(found, reference ?? name)
      const tag = facts.tags.find((one) => one.name === name)
      if (tag === undefined) throw new NotFound(`tag ${name} attached to artifact ${facts.id} not found`)
      refuseImmutable([{ facts: { ...facts, tags: [tag] }, additions: {} }])
      facts.tags = facts.tags.filter((one) => one !== tag)
      return { deleted: true as const }
    }),
    counted(labelAttach, ({ project, repository, reference, labelId }) => {
      const { facts } = state.artifact(state.judged(project, repository), reference)
      if (facts.labels.includes(labelId)) throw new Conflict('the label is attached already')
      facts.labels = [...facts.labels, labelId]
      return { artifactId: facts.id }
    }),
    counted(labelDetach, ({ project, repository, reference, labelId }) => {
      const { facts } = state.artifact(state.judged(project, repository), reference)
      if (!facts.labels.includes(labelId)) throw new NotFound('the label is not attached')
      facts.labels = facts.labels.filter((id) => id !== labelId)
      return { artifactId: facts.id }
    }),
    counted(labelPurge, ({ labelId }) => {
      if (!isDone(`purge ${labelId}`)) return { detached: 0, done: false }
      const all = state.repositories.flatMap(({ artifacts }) => artifacts)
      const labelled = all.filter(({ facts }) => facts.labels.includes(labelId))
      for (const { facts } of labelled) facts.labels = facts.labels.filter((id) => id !== labelId)
      return { detached: labelled.length, done: true }
    }),
    counted(statisticsCount, ({ projects }) => {
      const isPublic = (one: KeptRepository) => state.project(one.facts.projectId)?.public === true
      const all = state.repositories
      return {
        publicRepositories: all.filter(isPublic).length,
        privateRepositories: all.filter((one) => !isPublic(one) && visible(projects)(one)).length,
        storedBytes: all.flatMap(({ artifacts }) => artifacts).reduce((sum, { facts }) => sum + facts.sizeBytes, 0),
      }
    }),
    counted(projectUsage, ({ ids, sort, page, pageSize }) => {
      const usedBy = (id: number) =>
        state.repositories
          .filter(({ facts }) => facts.projectId === id)
          .flatMap(({ artifacts }) => artifacts)
          .reduce((sum, { facts }) => sum + facts.sizeBytes, 0)
      const known = (ids ?? [...new Set(state.repositories.map(({ facts }) => facts.projectId))]).filter(state.project)
      const all = known.map((id) => ({ id, usedBytes: usedBy(id), limitBytes: -1 }))
      const columns = ({ usedBytes, limitBytes }: (typeof all)[number]) => ({ used: usedBytes, limit: limitBytes })
      const { rows, total } = pageOfRows(all, columns, { sort, page, pageSize })
      return { projects: rows, total }
    }),
    answer(projectTally, async ({ ids }) => ({ projects: ids.map((id) => tallyOf(state, id)) })),
  ]
}

function tallyOf({ repositories }: DoubleState, id: number) {
  const own = repositories.filter(({ facts }) => facts.projectId === id)
  const artifacts = own.flatMap((one) => one.artifacts.map(({ facts }) => facts))
  return {
    id,
    repositories: own.length,
    usedBytes: artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    pulls: own.reduce((sum, { facts }) => sum + facts.pullCount, 0),
    artifacts: [...Map.groupBy(artifacts, ({ kind }) => kind)].map(([kind, some]) => ({ kind, count: some.length })),
  }
}

/** What lists show without `base=*`. */
function shownIn({ artifacts }: KeptRepository): KeptArtifact[] {
  const children = new Set(artifacts.flatMap(({ facts }) => facts.references.map(({ childDigest }) => childDigest)))
  return artifacts.filter(
    ({ facts }) => facts.accessoryOf === null && (facts.tags.length > 0 || !children.has(facts.digest)),
  )
}

function sameRepository(one: ArtifactFacts): (other: ArtifactFacts) => boolean {
  return (other) => other.repositoryId === one.repositoryId
}

function refuseImmutable(artifacts: readonly KeptArtifact[]): void {
  const kept = artifacts.flatMap(({ facts }) => facts.tags).find(({ immutable }) => immutable)
  if (kept) throw new PreconditionFailed(`Failed to process request due to '${kept.name}' configured as immutable.`)
}

/** `tags` and `labels`, which are no columns. */
function extrasFit(terms: readonly Term[], facts: ArtifactFacts): boolean {
  return terms.every((term) => {
    if (term.key === 'labels') return labelsFit(term, facts.labels)
    if (term.key !== 'tags') return true
    if (term.kind === 'exact' && term.value === '*') return facts.tags.length > 0
    if (term.kind === 'exact' && term.value === 'nil') return facts.tags.length === 0
    return facts.tags.some(({ name }) => fits(term, { tags: name }))
  })
}

function labelsFit(term: Term, labels: readonly number[]): boolean {
  const ids =
    term.kind === 'all' || term.kind === 'any' ? term.values : term.kind === 'exact' ? [term.value] : undefined
  if (ids === undefined) throw new BadRequest('the value of "labels" query can only be integer list')
  const has = (id: string) => labels.includes(Number(id))
  return term.kind === 'any' ? ids.some(has) : ids.every(has)
}

function artifactColumns(facts: ArtifactFacts): Columns {
  return {
    id: facts.id,
    digest: facts.digest,
    type: facts.kind,
    media_type: facts.configMediaType ?? facts.mediaType,
    manifest_media_type: facts.mediaType,
    artifact_type: facts.artifactType ?? '',
    size: facts.sizeBytes,
    push_time: facts.pushedAt,
    repository_name: facts.repository,
  }
}
