import { BadRequest } from '@berth/errors'
import { z } from 'zod'
import { type ParsedMetadata, parseMetadata } from './metadata.ts'

/** The body of a project's creation and update, as far as types go. */
export const ProjectRequest = z.object({
  project_name: z.string().optional(),
  public: z.boolean().nullish(),
  metadata: z.record(z.string(), z.string().nullable()).nullish(),
  storage_limit: z.number().nullish(),
  registry_id: z.number().nullish(),
  cve_allowlist: z.object({ items: z.array(z.object({ cve_id: z.string().optional() })).nullish() }).nullish(),
})
export type ProjectRequest = z.output<typeof ProjectRequest>

/**
 * What the body says about policy. `metadata.public` wins over the older `public`.
 *
 * @throws {BadRequest} a policy this version cannot enforce
 */
export function policyOf(request: ProjectRequest): ParsedMetadata {
  if ((request.cve_allowlist?.items ?? []).length > 0) {
    throw new BadRequest('cve_allowlist cannot have items: this version does not scan')
  }
  const parsed = parseMetadata(request.metadata ?? {})
  if (parsed.public === undefined && typeof request.public === 'boolean') parsed.public = request.public
  return parsed
}

/** @throws {BadRequest} a remote registry is named */
export function refuseProxy(request: ProjectRequest): void {
  if (request.registry_id) throw new BadRequest('registry_id is not supported: there are no proxy cache projects yet')
}
