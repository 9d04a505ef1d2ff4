import type { Page } from '@berth/db'
import { BadRequest } from '@berth/errors'
import type { Bus } from '@berth/messaging'
import { findTag } from '@berth/oci'
import { type TagFacts, tagCreate, tagDelete, tagSearch } from '@berth/types'
import { actorOf, type Caller } from '../caller/caller.ts'
import { type ArtifactPath, knownReference } from './content-path.ts'
import type { Judge } from './judge.ts'
import { askPage, type Listed, type ListWords } from './list-pages.ts'

/** The use cases of the tags of one artifact. */
export interface Tags {
  list(caller: Caller, path: ArtifactPath, words: ListWords, page: Page): Promise<Listed<TagFacts>>
  /** @throws {Conflict} the repository has this tag */
  create(caller: Caller, path: ArtifactPath, name: string): Promise<TagFacts>
  /** The artifact stays. @throws {NotFound} the tag is not on this artifact */
  delete(caller: Caller, path: ArtifactPath, name: string): Promise<void>
}

export function createTags({ bus, judge }: { bus: Pick<Bus, 'ask'>; judge: Judge }): Tags {
  return {
    list: (caller, path, words, page) =>
      judge.inRepository(caller, path, ['tag', 'list'], async (asked) => {
        const reference = knownReference(path)
        return askPage(
          page,
          ({ id }: TagFacts) => id,
          async (part) => {
            const request = { ...asked, reference, ...words, page: part.page, pageSize: part.pageSize }
            const { tags: rows, total } = await bus.ask(tagSearch, request)
            return { rows, total }
          },
        )
      }),

    create: (caller, path, name) =>
      judge.inRepository(caller, path, ['tag', 'create'], async (asked) => {
        const tag = findTag(name)
        if (tag === undefined) throw new BadRequest('a tag has 1 to 128 letters, digits, "_", "." and "-"')
        const request = { ...asked, reference: knownReference(path), tag, actor: actorOf(caller) }
        return (await bus.ask(tagCreate, request)).tag
      }),

    delete: (caller, path, name) =>
      judge.inRepository(caller, path, ['tag', 'delete'], async (asked) => {
        const request = { ...asked, reference: knownReference(path), tag: name.slice(0, 256), actor: actorOf(caller) }
        await bus.ask(tagDelete, request)
      }),
  }
}
