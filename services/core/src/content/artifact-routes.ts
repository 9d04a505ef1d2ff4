import { pageHeaders } from '@berth/db'
import { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import { callerOf, listPage, parseQuery } from '../http/index.ts'
import { projectRefOf } from '../project/index.ts'
import { type ArtifactFlags, toAccessoryBody, toArtifactBody } from './artifact-body.ts'
import type { Artifacts, ListedArtifacts } from './artifact-service.ts'
import { artifactHref, artifactPathOf, repositoryPathOf } from './content-path.ts'
import { parseCopySource } from './copy-source.ts'
import { listWords } from './list-pages.ts'

/** What is to be shown; `with_scan_overview`, `with_sbom_overview` and `with_signature` add nothing. */
const Flags = z.object({
  with_tag: z.boolean().default(true),
  with_label: z.boolean().default(false),
  with_immutable_status: z.boolean().default(false),
  with_accessory: z.boolean().default(false),
  with_inherited_accessory: z.boolean().default(false),
  latest_in_repository: z.boolean().default(false),
})
const CopyQuery = z.object({ from: z.string() })

export function artifactRoutes(artifacts: Artifacts): Router {
  const routes = Router()
  const inRepository = '/projects/:project_name/repositories/:repository_name/artifacts'
  const one = `${inRepository}/:reference`

  routes.get('/projects/:project_name_or_id/artifacts', async (req, res) => {
    const { latest_in_repository: latest, ...flags } = parseQuery(Flags, req)
    const page = listPage(req)
    const words = { ...listWords(req), latest, ...extrasOf(flags) }
    const listed = await artifacts.listOfProject(callerOf(res), projectRefOf(req), words, page)
    answerList(req, res, listed, flagsOf(flags))
  })
  routes.get(inRepository, async (req, res) => {
    const flags = parseQuery(Flags, req)
    const words = { ...listWords(req), ...extrasOf(flags) }
    const listed = await artifacts.list(callerOf(res), repositoryPathOf(req), words, listPage(req))
    answerList(req, res, listed, flagsOf(flags))
  })
  routes.post(inRepository, async (req, res) => {
    const from = parseCopySource(parseQuery(CopyQuery, req).from)
    const to = repositoryPathOf(req)
    const digest = await artifacts.copy(callerOf(res), from, to)
    res
      .status(201)
      .location(artifactHref(`${to.project}/${to.repository}`, digest))
      .end()
  })
  routes.get(one, async (req, res) => {
    const flags = parseQuery(Flags, req)
    const { artifact, labels } = await artifacts.get(callerOf(res), artifactPathOf(req), flags.with_label)
    res.json(toArtifactBody(artifact, flagsOf(flags), labels))
  })
  routes.delete(one, async (req, res) => {
    await artifacts.delete(callerOf(res), artifactPathOf(req))
    res.status(200).end()
  })
  routes.get(`${one}/accessories`, async (req, res) => {
    const page = listPage(req)
    const path = artifactPathOf(req)
    const { rows, total, repository } = await artifacts.accessories(callerOf(res), path, listWords(req), page)
    res.set(pageHeaders(req.originalUrl, page, total))
    res.json(rows.map((accessory) => toAccessoryBody(accessory, repository)))
  })
  return routes
}

function extrasOf(flags: Pick<z.output<typeof Flags>, 'with_label' | 'with_inherited_accessory'>) {
  return { withLabels: flags.with_label, withInherited: flags.with_inherited_accessory }
}

function answerList(req: Request, res: Response, { rows, total, labels }: ListedArtifacts, flags: ArtifactFlags) {
  res.set(pageHeaders(req.originalUrl, listPage(req), total))
  res.json(rows.map((artifact) => toArtifactBody(artifact, flags, labels)))
}

function flagsOf(flags: Omit<z.output<typeof Flags>, 'latest_in_repository'>): ArtifactFlags {
  return {
    tags: flags.with_tag,
    labels: flags.with_label,
    immutable: flags.with_immutable_status,
    accessories: flags.with_accessory,
    inherited: flags.with_inherited_accessory,
  }
}
