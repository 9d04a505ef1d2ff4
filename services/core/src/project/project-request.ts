import { BadRequest } from '@berth/errors'
import { z } from 'zod'
import { type AllowlistText, parseAllowlist, RawAllowlist } from '../allowlist/index.ts'
import { type ParsedMetadata, parseMetadata } from './metadata.ts'

/** The body of a project's creation and update, as far as types go. */
export const ProjectRequest = z.object({
  project_name: z.string().optional(),
  public: z.boolean().nullish(),
  metadata: z.record(z.string(), z.string().nullable()).nullish(),
  storage_limit: z.number().nullish(),
  registry_id: z.number().nullish(),
  cve_allowlist: RawAllowlist.nullish(),
})
export type ProjectRequest = z.output<typeof ProjectRequest>

/**
 * What the body says about policy. `metadata.public` wins over the older `public`.
 *
 * @throws {BadRequest} a policy this version cannot enforce, or what is no allowlist
 */
export function policyOf(request: ProjectRequest): ParsedMetadata & { allowlist?: AllowlistText } {
  const parsed = parseMetadata(request.metadata ?? {})
  if (parsed.public === undefined && typeof request.public === 'boolean') parsed.public = request.public
  return request.cve_allowlist ? { ...parsed, allowlist: parseAllowlist(request.cve_allowlist) } : parsed
}

/** @throws {BadRequest} a remote registry is named */
export function refuseProxy(request: ProjectRequest): void {
  if (request.registry_id) throw new BadRequest('registry_id is not supported: there are no proxy cache projects yet')
}
