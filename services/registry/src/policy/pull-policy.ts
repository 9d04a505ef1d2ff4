import { MEDIA_TYPE } from '@berth/oci'
import { SEVERITIES, type Severity } from '@berth/types'
import { notScanned, notSigned, tooVulnerable, withoutScanner } from './policy-errors.ts'

/** What a project demands of what is pulled, and how one of its manifests stands to it. */
export interface PullFacts {
  project_id: number
  wants_cosign: boolean
  wants_notation: boolean
  prevents_from: Severity | null
  scanner: string | null
  accessory_type: string | null
  /** It, or an index it is pulled by, has such a signature; `null` when nobody asks. */
  signed_by_cosign: boolean | null
  signed_by_notation: boolean | null
  /** An index that holds nothing but manifests, each of which is judged when it is pulled. */
  only_manifests: boolean | null
  /** What the scanner that counts has said, if it has: the worst, and how many CVEs count that it named. */
  verdict: Verdict | null
}

interface Verdict {
  severity: Severity
  /** Whether a CVE it named has this severity. */
  named: boolean
  /** How many of each severity are on no allowlist. */
  counting: Partial<Record<Severity, number>>
}

/** A signature holds for what an index names, for nobody pulls that but through the index. */
const signed = (type: string) => `EXISTS (
     WITH RECURSIVE above AS (
       SELECT m.id, m.digest
       UNION
       SELECT parent.id, parent.digest FROM above JOIN manifest_child c ON c.child_id = above.id
       JOIN manifest parent ON parent.id = c.parent_id
     )
     SELECT 1 FROM above
     JOIN manifest a ON a.repository_id = r.id AND a.accessory_of = above.digest AND a.accessory_type = '${type}'
   )`

// Inside the subquery, which runs once: unpacking a large policy for each CVE takes a quarter of a second.
const ALLOWLIST = `CASE WHEN coalesce((p.policy ->> 'cveAllowlistUntil')::timestamptz > now(), true)
           THEN p.policy -> 'cveAllowlist' ELSE '[]' END`

/** The columns of {@link PullFacts} but the id, of a project p, a repository r and a manifest m. */
export const PULL_FACTS = `p.wants_cosign, p.wants_notation, p.prevents_from, p.policy ->> 'scanner' AS scanner,
   m.accessory_type,
   CASE WHEN p.wants_cosign THEN ${signed('signature.cosign')} END AS signed_by_cosign,
   CASE WHEN p.wants_notation THEN ${signed('signature.notation')} END AS signed_by_notation,
   CASE WHEN p.prevents_from IS NOT NULL THEN
     m.media_type IN ('${MEDIA_TYPE.ociIndex}', '${MEDIA_TYPE.dockerManifestList}')
     AND NOT EXISTS (SELECT 1 FROM manifest_blob mb WHERE mb.manifest_id = m.id)
   END AS only_manifests,
   CASE WHEN p.prevents_from IS NOT NULL THEN (
     SELECT json_build_object('severity', v.severity, 'named', v.cves::text LIKE '%:"' || v.severity || '"%',
       'counting', coalesce((
       SELECT json_object_agg(found.severity, found.count) FROM (
         SELECT c.value AS severity, count(*) FROM json_each_text(v.cves) c
         WHERE c.key NOT IN (SELECT jsonb_array_elements_text(${ALLOWLIST})) GROUP BY 1
       ) found
     ), '{}'))
     FROM artifact_verdict v WHERE v.manifest_id = m.id AND v.scanner = p.policy ->> 'scanner'
   ) END AS verdict`

/** They are pulled to judge others by; nothing runs from them. */
const EXEMPT: ReadonlySet<string> = new Set(['signature.cosign', 'signature.notation', 'sbom.harbor'])

/**
 * Whether a manifest may be pulled. Nothing the client says of itself counts, and what is not known is a no.
 *
 * @throws {PullPrevented}
 */
export function requirePullable(facts: PullFacts): void {
  if (facts.accessory_type !== null && EXEMPT.has(facts.accessory_type)) return
  if (facts.wants_cosign && facts.signed_by_cosign !== true) throw notSigned('cosign')
  if (facts.wants_notation && facts.signed_by_notation !== true) throw notSigned('notation')
  if (facts.prevents_from !== null) requireSound(facts, facts.prevents_from)
}

function requireSound({ project_id, scanner, verdict, only_manifests }: PullFacts, from: Severity): void {
  if (scanner === null) throw withoutScanner(project_id)
  if (only_manifests === true) return
  if (verdict === null) throw notScanned(from)
  const found = countingIn(verdict)
  if (!found.some(([severity]) => rank(severity) >= rank(from))) return
  const count = found.reduce((sum, [, some]) => sum + some, 0)
  throw tooVulnerable(count, from)
}

/** A severity that no CVE was named for is one that nobody can put on an allowlist; none is nothing found. */
function countingIn({ named, counting, severity }: Verdict): [Severity, number][] {
  const found = Object.entries(counting) as [Severity, number][]
  return named || severity === 'none' ? found : [...found, [severity, 1]]
}

/** A word that is none of ours is worse than all of them. */
function rank(severity: Severity): number {
  const at = SEVERITIES.indexOf(severity)
  return at === -1 ? SEVERITIES.length : at
}
