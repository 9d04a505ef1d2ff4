import { BadRequest } from '@berth/errors'
import { findDigest, findRepositoryName, findTag, nameInProject, projectOf } from '@berth/oci'
import type { ArtifactPath } from './content-path.ts'

const SOURCE = /^(?<name>[^:@]+)(?::(?<tag>[^:@]+))?(?:@(?<digest>.+))?$/

/**
 * Parses where an artifact is copied from: `library/nginx:1.27` or `library/nginx@sha256:…`; of both the digest counts.
 *
 * @throws {BadRequest} it is neither
 */
export function parseCopySource(text: string): ArtifactPath {
  const { name = '', tag, digest } = SOURCE.exec(text)?.groups ?? {}
  const repository = name.includes('/') ? findRepositoryName(name) : undefined
  const reference = digest === undefined ? findTag(tag ?? '') : findDigest(digest)
  if (repository === undefined || reference === undefined) {
    throw new BadRequest('from must read project/repository:tag or project/repository@digest')
  }
  return { project: projectOf(repository), repository: nameInProject(repository), reference }
}
