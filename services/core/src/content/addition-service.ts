import type { Bus } from '@berth/messaging'
import { artifactAddition, artifactGet } from '@berth/types'
import type { Caller } from '../caller/caller.ts'
import { sbomOf } from './artifact-body.ts'
import { type ArtifactPath, knownReference } from './content-path.ts'
import { hasCode, type Judge, type JudgedRepository } from './judge.ts'

interface Addition {
  /** `text/markdown; charset=utf-8` */
  contentType: string
  bytes: Buffer
}

/** What an artifact has beside itself. */
export interface Additions {
  /** @throws {BadRequest} artifacts of this kind have no such addition; {NotFound} this one has none */
  read(caller: Caller, path: ArtifactPath, name: string): Promise<Addition>
}

export function createAdditions({ bus, judge }: { bus: Pick<Bus, 'ask'>; judge: Judge }): Additions {
  async function readOf(asked: JudgedRepository, reference: string, addition: string): Promise<Addition> {
    const { contentType, content } = await bus.ask(artifactAddition, { ...asked, reference, addition })
    return { contentType, bytes: Buffer.from(content, 'base64') }
  }

  return {
    read: (caller, path, name) =>
      judge.inRepository(caller, path, ['artifact-addition', 'read'], async (asked) => {
        const reference = knownReference(path)
        try {
          return await readOf(asked, reference, name)
        } catch (err) {
          // The SBOM of an image is an accessory of it.
          if (name !== 'sbom' || !hasCode(err, 'BAD_REQUEST')) throw err
          const { artifact } = await bus.ask(artifactGet, { ...asked, reference })
          const sbom = sbomOf(artifact)
          if (sbom === undefined) throw err
          return readOf(asked, sbom, name)
        }
      }),
  }
}
