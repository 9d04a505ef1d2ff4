import { Denied, DomainError } from '@berth/errors'
import type { RepositoryName } from '@berth/oci'
import type { Severity } from '@berth/types'
import { nameInProject } from './immutability.ts'

/** PRECONDITION (412): a rule of the project keeps the tag as it is. Scripts match "configured as immutable". */
export class TagImmutable extends DomainError {
  override name = 'TagImmutable'
  readonly code = 'PRECONDITION'

  private constructor(message: string) {
    super(message)
  }

  /** A push would move it. */
  static pushed(repository: RepositoryName, tag: string): TagImmutable {
    return new TagImmutable(
      `Failed to process request due to '${nameInProject(repository)}:${tag}' configured as immutable.`,
    )
  }

  /** Copying or tagging would move it. */
  static updated(tag: string): TagImmutable {
    return new TagImmutable(`the tag ${tag} configured as immutable, cannot be updated`)
  }

  /** The tag, or its artifact, would be deleted. */
  static deleted(tag: string): TagImmutable {
    return new TagImmutable(`the tag ${tag} configured as immutable, cannot be deleted`)
  }
}

/** DENIED (403): nobody may change anything just now. */
export function readOnly(): Denied {
  return new Denied('The system is in read only mode. Any modification is prohibited.')
}

/** PROJECTPOLICYVIOLATION (412): the project lets this artifact be pulled by nobody as it is. */
class PullPrevented extends DomainError {
  override name = 'PullPrevented'
  readonly code = 'PROJECTPOLICYVIOLATION'
}

export function notSigned(by: 'cosign' | 'notation'): PullPrevented {
  return new PullPrevented(`The image is not signed by ${by}.`)
}

export function withoutScanner(projectId: number): PullPrevented {
  return new PullPrevented(`no scanner registration configured for project: ${projectId}`)
}

export function notScanned(from: Severity): PullPrevented {
  return new PullPrevented(
    `current image without vulnerability scanning cannot be pulled due to configured policy in ${policyFrom(from)} ` +
      'To continue with pull, please contact your project administrator for help.',
  )
}

export function tooVulnerable(count: number, from: Severity): PullPrevented {
  const things = count > 1 ? 'vulnerabilities' : 'vulnerability'
  return new PullPrevented(
    `current image with ${count} ${things} cannot be pulled due to configured policy in ${policyFrom(from)} ` +
      'To continue with pull, please contact your project administrator to exempt matched vulnerabilities through ' +
      'configuring the CVE allowlist.',
  )
}

function policyFrom(from: Severity): string {
  const named = `${from.charAt(0).toUpperCase()}${from.slice(1)}`
  return `'Prevent images with vulnerability severity of "${named}" or higher from running.'`
}
