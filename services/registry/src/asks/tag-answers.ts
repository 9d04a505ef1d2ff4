import { type Answer, answer } from '@berth/messaging'
import { tagCreate, tagDelete, tagSearch } from '@berth/types'
import { nameOf } from '../search/index.ts'
import { createTag, deleteTag, searchTags } from '../tag/index.ts'
import type { AskParts } from './index.ts'

/** `svc.registry.v1.tag.search`, `.create` and `.delete`, for core, who has judged the caller. */
export function tagAnswers({ database, recent, onChange }: AskParts): Answer[] {
  return [
    answer(tagSearch, (request) => searchTags(database, recent, request)),
    answer(tagCreate, async (request) => {
      const tag = await createTag(database, request)
      onChange(nameOf(request))
      return { tag }
    }),
    answer(tagDelete, async (request) => {
      await deleteTag(database, request)
      onChange(nameOf(request))
      return { deleted: true as const }
    }),
  ]
}
