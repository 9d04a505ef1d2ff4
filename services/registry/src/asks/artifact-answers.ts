import { type Answer, answer } from '@berth/messaging'
import type { Digest } from '@berth/oci'
import {
  accessoryList,
  artifactAddition,
  artifactCopy,
  artifactCount,
  artifactDelete,
  artifactGet,
  artifactSearch as artifactSearchAsk,
} from '@berth/types'
import { additionsOf } from '../artifact/index.ts'
import { copyArtifact } from '../copy/index.ts'
import { deleteManifest } from '../manifest/index.ts'
import {
  admitJudged,
  artifactSearch,
  artifactUnknown,
  findArtifact,
  findJudged,
  nameOf,
  searchAccessories,
} from '../search/index.ts'
import type { AskParts } from './index.ts'

const COPY_MS = 10_000

/** `svc.registry.v1.artifact.*` and `.accessory.list`, for core, who has judged the caller. */
export function artifactAnswers(parts: AskParts): Answer[] {
  const { database, recent, additions, onChange } = parts
  const search = artifactSearch(database, recent)
  return [
    answer(artifactSearchAsk, (request) => search.page(request)),
    answer(artifactCount, async (request) => ({ total: await search.count(request) })),
    answer(artifactGet, async (request) => {
      const artifact = await search.get(request)
      return { artifact, additions: [...additionsOf(artifact.kind, artifact.mediaType)] }
    }),
    answer(artifactDelete, async ({ actor, ...asked }) => {
      const found = await findJudged(database, asked)
      const { digest } = await findArtifact(database, found, asked.reference)
      const deletion = { name: nameOf(asked), actor, admit: admitJudged(asked.project) }
      if (!(await deleteManifest(database, digest as Digest, deletion))) {
        throw artifactUnknown(found.repository_name, asked.reference)
      }
      onChange(found.repository_name)
      return { digest }
    }),
    answer(artifactCopy, async (request) => {
      try {
        return await copyArtifact(parts, request, COPY_MS)
      } finally {
        onChange(nameOf(request.to))
      }
    }),
    answer(artifactAddition, async ({ addition, ...asked }) => {
      const found = await findJudged(database, asked)
      const { digest } = await findArtifact(database, found, asked.reference)
      const { contentType, bytes } = await additions.read(found.repository_id, digest, addition)
      return { contentType, content: bytes.toString('base64') }
    }),
    answer(accessoryList, (request) => searchAccessories(database, recent, request)),
  ]
}
