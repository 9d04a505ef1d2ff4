import { type Answer, answer } from '@berth/messaging'
import {
  projectTally,
  projectUsage,
  repositoryDelete,
  repositoryGet,
  repositorySearch as repositorySearchAsk,
  repositoryUpdate,
  statisticsCount,
} from '@berth/types'
import {
  countStatistics,
  deleteRepository,
  describeRepository,
  pageOfUsage,
  repositorySearch,
  tallyProjects,
} from '../repository/index.ts'
import { nameOf } from '../search/index.ts'
import type { AskParts } from './index.ts'

const DELETE_MS = 5_000

/** What core asks of repositories and of what projects hold, for callers it has judged. */
export function repositoryAnswers({ database, recent, onChange }: AskParts): Answer[] {
  const search = repositorySearch(database, recent)
  return [
    answer(repositorySearchAsk, (request) => search.page(request)),
    answer(repositoryGet, async (request) => ({ repository: await search.get(request) })),
    answer(repositoryUpdate, async (request) => ({ repository: await describeRepository(database, request) })),
    answer(repositoryDelete, async (request) => {
      try {
        return await deleteRepository(database, request, DELETE_MS)
      } finally {
        onChange(nameOf(request))
      }
    }),
    answer(statisticsCount, (request) => countStatistics(database, recent, request)),
    answer(projectUsage, (request) => pageOfUsage(database, request)),
    answer(projectTally, (request) => tallyProjects(database, request)),
  ]
}
