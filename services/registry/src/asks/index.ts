import type { Database } from '@berth/db'
import type { Answer } from '@berth/messaging'
import type { RepositoryName } from '@berth/oci'
import type { Additions } from '../artifact/index.ts'
import type { CopyParts } from '../copy/index.ts'
import { labelAnswers } from '../label/index.ts'
import type { Recent } from '../search/index.ts'
import { verdictAnswers } from '../verdict/index.ts'
import { artifactAnswers } from './artifact-answers.ts'
import { repositoryAnswers } from './repository-answers.ts'
import { tagAnswers } from './tag-answers.ts'

export interface AskParts extends CopyParts {
  database: Database
  recent: Recent
  additions: Additions
  /** Something has been changed, and told. */
  onChange: (repository?: RepositoryName) => void
}

/**
 * What core asks for people it has judged. It names the project by its id and the access revision it judged by; the
 * registry sees to what holds in its own tables: which project that is, whether it is open, quota, tags that stay.
 */
export function judgedAnswers(parts: AskParts): Answer[] {
  return [
    ...repositoryAnswers(parts),
    ...artifactAnswers(parts),
    ...tagAnswers(parts),
    ...labelAnswers(parts.database, parts.onChange),
    ...verdictAnswers(parts.database),
  ]
}
