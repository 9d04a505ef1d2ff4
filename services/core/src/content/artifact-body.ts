import type { AccessoryFacts, ArtifactFacts, ChildFacts, TagFacts } from '@berth/types'
import { type Label, toLabelBody } from '../label/index.ts'
import { accessoryIcon, kindIcon } from './built-in-icons.ts'
import { artifactHref } from './content-path.ts'

/** What of an artifact is to be shown. */
export interface ArtifactFlags {
  tags: boolean
  labels: boolean
  immutable: boolean
  accessories: boolean
  inherited: boolean
}

/** How Harbor writes "never". */
const NEVER = '0001-01-01T00:00:00.000Z'
const SBOM_ACCESSORY = 'sbom.harbor'

/** An artifact as the API shows it. What it has nothing of is left out. */
export function toArtifactBody(
  facts: ArtifactFacts,
  flags: ArtifactFlags,
  labels: ReadonlyMap<number, Label>,
): Record<string, unknown> {
  const carried = facts.labels.flatMap((id) => labels.get(id) ?? [])
  const links = additionLinks(facts)
  const annotations = textsIn(facts.annotations)
  return {
    id: facts.id,
    type: facts.kind,
    media_type: facts.configMediaType ?? facts.mediaType,
    manifest_media_type: facts.mediaType,
    ...(facts.artifactType && { artifact_type: facts.artifactType }),
    project_id: facts.projectId,
    repository_id: facts.repositoryId,
    repository_name: facts.repository,
    digest: facts.digest,
    size: facts.sizeBytes,
    icon: facts.icon ?? kindIcon(facts.kind),
    push_time: facts.pushedAt,
    pull_time: facts.pulledAt ?? NEVER,
    ...(facts.extraAttrs && { extra_attrs: facts.extraAttrs }),
    ...(annotations && { annotations }),
    ...(links && { addition_links: links }),
    ...some('references', facts.references.map(toReferenceBody)),
    ...(flags.tags && some('tags', tagBodies(facts.tags, flags.immutable))),
    ...(flags.labels && some('labels', carried.map(toLabelBody))),
    ...(flags.accessories && some('accessories', accessoryBodies(facts.accessories, facts.repository))),
    ...(flags.inherited &&
      some('inherited_accessories', accessoryBodies(facts.inheritedAccessories, facts.repository))),
  }
}

/** @param withImmutable false: whether a rule keeps it is not told, as in Harbor */
export function toTagBody(tag: TagFacts, withImmutable: boolean): Record<string, unknown> {
  return {
    id: tag.id,
    repository_id: tag.repositoryId,
    artifact_id: tag.artifactId,
    name: tag.name,
    push_time: tag.pushedAt,
    pull_time: tag.pulledAt ?? NEVER,
    immutable: withImmutable && tag.immutable,
  }
}

/** @param repository `library/nginx`, of the accessory and of its subject */
export function toAccessoryBody(accessory: AccessoryFacts, repository: string): Record<string, unknown> {
  return {
    id: accessory.artifactId,
    artifact_id: accessory.artifactId,
    ...(accessory.subjectId !== null && { subject_artifact_id: accessory.subjectId }),
    subject_artifact_digest: accessory.subjectDigest,
    subject_artifact_repo: repository,
    size: accessory.sizeBytes,
    digest: accessory.digest,
    type: accessory.type,
    icon: accessory.icon ?? accessoryIcon(accessory.type),
    creation_time: accessory.createdAt,
  }
}

/** The digest of the SBOM that was made of an artifact. */
export function sbomOf({ accessories }: Pick<ArtifactFacts, 'accessories'>): string | undefined {
  return accessories.find(({ type }) => type === SBOM_ACCESSORY)?.digest
}

function additionLinks(facts: ArtifactFacts): Record<string, unknown> | undefined {
  const link = (digest: string, name: string) => ({
    href: `${artifactHref(facts.repository, digest)}/additions/${name}`,
    absolute: false,
  })
  const sbom = sbomOf(facts)
  const links = Object.fromEntries([
    ...facts.additions.map((name) => [name, link(facts.digest, name)] as const),
    ...(sbom === undefined ? [] : [['sbom', link(sbom, 'sbom')] as const]),
  ])
  return Object.keys(links).length === 0 ? undefined : links
}

const tagBodies = (tags: readonly TagFacts[], withImmutable: boolean) =>
  tags.map((tag) => toTagBody(tag, withImmutable))

const accessoryBodies = (accessories: readonly AccessoryFacts[], repository: string) =>
  accessories.map((accessory) => toAccessoryBody(accessory, repository))

function toReferenceBody(child: ChildFacts): Record<string, unknown> {
  const platform = child.platform && toPlatformBody(child.platform)
  const annotations = textsIn(child.annotations)
  return {
    parent_id: child.parentId,
    child_id: child.childId,
    child_digest: child.childDigest,
    ...(platform && { platform }),
    ...(annotations && { annotations }),
    ...(child.urls && { urls: child.urls }),
  }
}

/** Harbor writes two of the names with quotes in them. Whoever pushed it may have written anything: texts are kept. */
function toPlatformBody(platform: Record<string, unknown>): Record<string, unknown> {
  const { architecture, os, variant, 'os.version': version, 'os.features': features } = platform
  const texts = Object.entries({ architecture, os, variant, "'os.version'": version })
  const isTexts = Array.isArray(features) && features.every((one) => typeof one === 'string')
  return {
    ...Object.fromEntries(texts.filter(([, text]) => typeof text === 'string')),
    ...(isTexts && { "'os.features'": features }),
  }
}

function textsIn(annotations: Record<string, unknown> | null): Record<string, unknown> | undefined {
  const texts = Object.entries(annotations ?? {}).filter(([, value]) => typeof value === 'string')
  return texts.length === 0 ? undefined : Object.fromEntries(texts)
}

function some(name: string, list: readonly unknown[]): Record<string, unknown> {
  return list.length === 0 ? {} : { [name]: list }
}
