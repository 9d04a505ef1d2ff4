import { NotFound } from '@berth/errors'
import { type Digest, findDigest } from '@berth/oci'
import { z } from 'zod'
import type { BroughtTag, TagSource } from './tag-source.ts'

const PAGE = 100
const TIMEOUT_MS = 60_000
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

const Time = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  // Harbor says "never" as the year 1.
  .transform((date) => (date.getTime() > 0 ? date : undefined))
  .nullish()
  .catch(undefined)

const Artifacts = z.array(
  z.object({
    digest: z.string(),
    push_time: Time,
    tags: z.array(z.object({ name: z.string(), push_time: Time, pull_time: Time })).nullish(),
    accessories: z.array(z.object({ type: z.string(), digest: z.string(), creation_time: Time })).nullish(),
  }),
)

/** Who asks; a robot account with `list` of artifacts and tags is enough. */
export interface HarborCredentials {
  username: string
  password: string
}

/** Harbor could not be asked. */
export class HarborRefused extends Error {
  override name = 'HarborRefused'
}

/**
 * The tags a Harbor knows, by its API v2.0. Harbor does not list the tags of cosign signatures; theirs follow from
 * what they sign, `sha256-<hex>.sig`.
 *
 * @param url `https://harbor.example`, without credentials
 */
export function tagsFromHarbor(url: URL, credentials: HarborCredentials | undefined): TagSource {
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`
  const headers = { accept: 'application/json', ...(credentials && { authorization: basic(credentials) }) }

  async function page(project: string, repository: string, number: number) {
    const path = `/api/v2.0/projects/${encodeURIComponent(project)}/repositories/${twiceEncoded(repository)}/artifacts`
    const query = new URLSearchParams({
      page: String(number),
      page_size: String(PAGE),
      with_tag: 'true',
      with_accessory: 'true',
    })
    const answered = await ask(`${base}${path}?${query}`, headers, `${project}/${repository}`)
    return answered === undefined ? undefined : Artifacts.parse(answered)
  }

  return {
    name: base,
    async tagsOf(name) {
      const slash = name.indexOf('/')
      if (slash === -1) return undefined
      const [project, repository] = [name.slice(0, slash), name.slice(slash + 1)]
      const first = await page(project, repository, 1)
      return first && tagsIn(first, (number) => page(project, repository, number))
    },
    close: async () => undefined,
  }
}

type Page = z.output<typeof Artifacts>

async function* tagsIn(first: Page, next: (page: number) => Promise<Page | undefined>): AsyncIterable<BroughtTag> {
  for (let number = 1, artifacts: Page | undefined = first; artifacts !== undefined; ) {
    for (const artifact of artifacts) yield* tagsOfArtifact(artifact)
    if (artifacts.length < PAGE) return
    artifacts = await next(++number)
  }
}

function* tagsOfArtifact({ digest: text, tags, accessories }: Page[number]): Iterable<BroughtTag> {
  const digest = findDigest(text)
  if (digest === undefined) return
  for (const tag of tags ?? []) {
    yield { name: tag.name, digest, pushedAt: tag.push_time ?? undefined, pulledAt: tag.pull_time ?? undefined }
  }
  const signatures = (accessories ?? []).filter(({ type }) => type === 'signature.cosign')
  const [signature] = signatures.toSorted((a, b) => timeOf(b.creation_time) - timeOf(a.creation_time))
  const signed = signature && findDigest(signature.digest)
  if (signed) yield { name: cosignTag(digest), digest: signed, pushedAt: signature.creation_time ?? undefined }
}

function cosignTag(digest: Digest): string {
  return `${digest.replace(':', '-')}.sig`
}

function timeOf(date: Date | null | undefined): number {
  return date?.getTime() ?? 0
}

/** Harbor wants the slashes of a repository encoded twice. */
function twiceEncoded(repository: string): string {
  return encodeURIComponent(encodeURIComponent(repository))
}

function basic({ username, password }: HarborCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

/** Undefined: there is no such repository. @throws {HarborRefused | NotFound} */
async function ask(url: string, headers: Record<string, string>, what: string): Promise<unknown> {
  const { origin } = new URL(url)
  let answered: Response
  try {
    answered = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) })
  } catch (err) {
    throw new HarborRefused(`cannot reach ${origin}`, { cause: err })
  }
  const text = await bounded(answered)
  if (answered.status === 404) {
    if (codeOf(text) === 'NOT_FOUND') return undefined
    throw new NotFound(`${origin} has no API of Harbor`)
  }
  if (!answered.ok)
    throw new HarborRefused(`${origin} answered with ${answered.status} when asked for the tags of ${what}`)
  return jsonOf(text, origin)
}

async function bounded(answered: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of answered.body ?? []) {
    length += chunk.length
    if (length > MAX_ANSWER_BYTES) throw new HarborRefused('Harbor answered with more than a page can have')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function codeOf(text: string): string | undefined {
  const shape = z.object({ errors: z.array(z.object({ code: z.string() })).min(1) })
  try {
    return shape.safeParse(JSON.parse(text)).data?.errors[0]?.code
  } catch {
    return undefined
  }
}

function jsonOf(text: string, origin: string): unknown {
  try {
    return JSON.parse(text)
  } catch (err) {
    throw new HarborRefused(`${origin} does not answer as Harbor does`, { cause: err })
  }
}
