import { NotFound } from '@berth/errors'
import { findDigest, findRepositoryName, findTag, type RepositoryName } from '@berth/oci'
import type { Request } from 'express'

/** A repository as a path names it. */
export interface RepositoryPath {
  /** The name of its project; a path of a repository never has the id. */
  project: string
  /** Its name in the project: `web/nginx` of `library/web/nginx`. */
  repository: string
}

/** One artifact as a path names it. */
export interface ArtifactPath extends RepositoryPath {
  /** A tag or a digest, as it came. */
  reference: string
}

/** The repository a request's path names; a name with a slash comes encoded twice (`web%252Fnginx`). */
export function repositoryPathOf(req: Request): RepositoryPath {
  return { project: String(req.params.project_name), repository: decodedOnce(String(req.params.repository_name)) }
}

/** The artifact a request's path names. */
export function artifactPathOf(req: Request): ArtifactPath {
  return { ...repositoryPathOf(req), reference: String(req.params.reference) }
}

/** `library/web/nginx`. @throws {NotFound} nothing can have this name */
export function wholeName({ project, repository }: RepositoryPath): RepositoryName {
  const name = repository === '' ? undefined : findRepositoryName(`${project}/${repository}`)
  if (name === undefined) throw new NotFound(`repository ${project}/${repository.slice(0, 255)} not found`)
  return name
}

/** A tag or a digest. @throws {NotFound} it is neither */
export function knownReference({ project, repository, reference }: ArtifactPath): string {
  const found = findDigest(reference) ?? findTag(reference)
  if (found === undefined) throw new NotFound(`artifact ${project}/${repository}:${reference.slice(0, 255)} not found`)
  return found
}

/** The path of a repository in the API. @param name `library/web/nginx` */
function repositoryHref(name: string): string {
  const slash = name.indexOf('/')
  const inProject = encodeURIComponent(encodeURIComponent(name.slice(slash + 1)))
  return `/api/v2.0/projects/${name.slice(0, slash)}/repositories/${inProject}`
}

/** The path of an artifact in the API. */
export function artifactHref(name: string, reference: string): string {
  return `${repositoryHref(name)}/artifacts/${reference}`
}

function decodedOnce(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
