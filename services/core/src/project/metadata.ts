import { BadRequest } from '@berth/errors'
import { type ProjectPolicy, SEVERITIES } from '@berth/types'

type Parse = (text: string) => string | undefined

const bool: Parse = (text) => {
  if (/^(?:true|t|1)$/i.test(text)) return 'true'
  if (/^(?:false|f|0)$/i.test(text)) return 'false'
  return undefined
}
const oneOf =
  (...values: string[]): Parse =>
  (text) =>
    values.find((value) => value === text.toLowerCase())
const wholeNumber: Parse = (text) => (/^-?\d{1,15}$/.test(text) ? String(Number(text)) : undefined)
const text: Parse = (value) => value

/**
 * The metadata of a project beside `public`: how a value reads, and which of them we can keep. `off` is what changes
 * nothing while the feature behind the key is not there; without `off` every value is obeyed.
 */
const KEYS: Record<string, { parse: Parse; off?: string[] }> = {
  enable_content_trust: { parse: bool },
  enable_content_trust_cosign: { parse: bool },
  prevent_vul: { parse: bool },
  /** From where on `prevent_vul` prevents. */
  severity: { parse: oneOf(...SEVERITIES) },
  /** Intents that wait for a scanner: without one nothing is scanned, whatever they say. */
  auto_scan: { parse: bool },
  auto_sbom_generation: { parse: bool },
  /** Whose allowlist counts: the suite's, else the project's own. */
  reuse_sys_cve_allowlist: { parse: bool },
  /** Ours: blobs are sent by us, never by a redirect to the object storage. */
  stream_blobs: { parse: bool },
  retention_id: { parse: wholeNumber, off: ['0'] },
  proxy_speed_kb: { parse: wholeNumber, off: ['-1'] },
  max_upstream_conn: { parse: wholeNumber, off: ['-1'] },
  proxy_referrer_api: { parse: bool, off: ['false'] },
  proxy_cache_local_on_not_found: { parse: bool, off: ['false'] },
  proxy_cache_filter_pattern: { parse: text, off: [] },
  proxy_cache_filter_kind: { parse: oneOf('doublestar', 'regex'), off: ['doublestar'] },
}

export interface ParsedMetadata {
  public?: boolean
  /** To be stored; what was not given is not in it. */
  values: Record<string, string>
}

/**
 * Parses the metadata of a request. `null` and empty values count as not given, unknown keys are left out.
 *
 * @throws {BadRequest} a value its key cannot have, or one that asks for a policy there is no feature for yet
 */
export function parseMetadata(raw: Record<string, string | null | undefined>): ParsedMetadata {
  const values: Record<string, string> = {}
  let isPublic: boolean | undefined
  for (const [key, value] of Object.entries(raw)) {
    if (value === null || value === undefined || value === '') continue
    if (key === 'public') isPublic = parsed(key, value, bool) === 'true'
    else if (Object.hasOwn(KEYS, key)) values[key] = kept(key, value)
  }
  return { ...(isPublic === undefined ? {} : { public: isPublic }), values }
}

/**
 * Parses the one key a request is about, `public` among them.
 *
 * @throws {BadRequest} not exactly one key, one nobody knows, or a value it cannot have
 */
export function parseOneKey(raw: Record<string, string>): { key: string; value: string } {
  const [entry, ...others] = Object.entries(raw)
  if (entry === undefined || others.length > 0) throw new BadRequest('exactly one key with its value must be given')
  const [key, text] = entry
  if (key === 'public') return { key, value: parsed(key, text, bool) }
  if (!Object.hasOwn(KEYS, key)) throw new BadRequest(`there is no metadata ${JSON.stringify(key.slice(0, 64))}`)
  return { key, value: kept(key, text) }
}

/**
 * What stored metadata demand of pushes and pulls. No scanner can be registered yet, so `prevent_vul` lets nothing be
 * pulled; without a severity it prevents from the lowest on.
 */
export function policyIn(metadata: Record<string, string>): Partial<ProjectPolicy> {
  const isOn = (key: string) => metadata[key] === 'true'
  const severity = SEVERITIES.find((known) => known === metadata.severity) ?? 'none'
  return {
    contentTrust: isOn('enable_content_trust'),
    contentTrustCosign: isOn('enable_content_trust_cosign'),
    preventVulnerableFrom: isOn('prevent_vul') ? severity : null,
    streamBlobs: isOn('stream_blobs'),
  }
}

/** Whose allowlist decides on pulls; `undefined`: pulls do not depend on what a scanner found. */
export function heedsAllowlist(metadata: Record<string, string>): 'own' | 'suite' | undefined {
  if (metadata.prevent_vul !== 'true') return undefined
  return metadata.reuse_sys_cve_allowlist === 'false' ? 'own' : 'suite'
}

function kept(key: string, text: string): string {
  const { parse, off } = KEYS[key] as (typeof KEYS)[string]
  const value = parsed(key, text, parse)
  if (off && !off.includes(value)) throw new BadRequest(`${key} cannot be ${value}: this version does not enforce it`)
  return value
}

function parsed(key: string, text: string, parse: Parse): string {
  const value = parse(text.trim())
  if (value === undefined) throw new BadRequest(`${key} cannot have this value`)
  return value
}
