import { Denied, DomainError } from '@berth/errors'
import type { RepositoryName } from '@berth/oci'
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
