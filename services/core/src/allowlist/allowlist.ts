import { BadRequest } from '@berth/errors'
import { z } from 'zod'

/** CVEs that count for nothing, in one project or in the whole suite. */
export interface Allowlist {
  id: number
  /** Absent: of the suite. */
  projectId?: number
  cves: readonly string[]
  /** Absent: it never ends. */
  expiresAt?: Date
  createdAt: Date
  updatedAt: Date
}

/** What a person says of an allowlist. */
export type AllowlistText = Pick<Allowlist, 'cves' | 'expiresAt'>

/** An allowlist in the body of a request, as far as types go. */
export const RawAllowlist = z.object({
  items: z.array(z.object({ cve_id: z.string().optional() })).nullish(),
  /** Seconds since 1970. */
  expires_at: z.number().nullish(),
})

/** With all of it, and with every rule of a project, a message to the registry is not too long. */
const MAX_CVES = 5_000
const CVE = /^[A-Za-z0-9][A-Za-z0-9:._-]{0,31}$/
/** The end of the year 9999. */
const LAST_SECOND = 253_402_300_799

/** @throws {BadRequest} what is no id of a CVE, one twice, too many, or an end that is no time */
export function parseAllowlist({ items, expires_at: expiry }: z.output<typeof RawAllowlist>): AllowlistText {
  const cves = (items ?? []).map(({ cve_id: id = '' }) => {
    if (!CVE.test(id)) throw new BadRequest('each item of an allowlist must have a cve_id like CVE-2026-12345')
    return id
  })
  if (cves.length > MAX_CVES) throw new BadRequest(`an allowlist has at most ${MAX_CVES} items`)
  if (new Set(cves).size < cves.length) throw new BadRequest('an allowlist must not have the same cve_id twice')
  if (expiry === null || expiry === undefined) return { cves }
  if (!Number.isInteger(expiry) || expiry < 0 || expiry > LAST_SECOND) {
    throw new BadRequest('expires_at must be whole seconds since 1970, or null')
  }
  return { cves, expiresAt: new Date(expiry * 1_000) }
}

/** An allowlist as the API shows it; that of the suite has the project 0. */
export function toAllowlistBody(allowlist: Allowlist): Record<string, unknown> {
  const { id, projectId = 0, cves, expiresAt, createdAt, updatedAt } = allowlist
  return {
    id,
    project_id: projectId,
    expires_at: expiresAt === undefined ? null : Math.floor(expiresAt.getTime() / 1_000),
    items: cves.map((cve) => ({ cve_id: cve })),
    creation_time: createdAt.toISOString(),
    update_time: updatedAt.toISOString(),
  }
}
