import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Api } from './api.ts'
import { basic } from './http.ts'
import { makeImage } from './images/image.ts'
import { type RunResult, run, sleep } from './process.ts'
import { RegistryClient } from './registry-client.ts'
import type { Suite } from './suite.ts'

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
]
/** What a call may not leave behind, because every call after it would only be refused. */
const KEPT = { read_only: false, audit_log_forward_endpoint: '', skip_audit_log_database: false }
const KEEP_MS = 2_000
const MAX_LINES = 300
const MAX_LINE_CHARS = 400

/** Something of everything, so that what is asked by chance is sometimes there. */
export async function fillForFuzz(suite: Suite): Promise<void> {
  const api = Api.admin(suite)
  for (const name of ['a', 'fuzzed']) await api.createProject(name, name === 'a')
  await api.createUser('fuzz-user')
  await api.must(201, 'POST', '/api/v2.0/labels', { name: 'fuzz', scope: 'g' })
  await api.must(201, 'POST', '/api/v2.0/usergroups', { group_name: 'fuzz', group_type: 3 })
  const client = new RegistryClient(suite.url, basic('admin', suite.adminPassword))
  for (const repository of ['library/0', 'a/0', 'fuzzed/team/app']) {
    await client.pushImage(repository, 'latest', await makeImage({ name: repository, layerBytes: [500] }))
  }
}

export interface FuzzWish {
  /** Of the environment schemathesis is in. */
  python: string
  /** For the document and the report. */
  home: string
  seconds: number
  seed: number
}

export interface FuzzReport {
  isClean: boolean
  calls: number
  output: string
}

/** What `fillForFuzz` has made, or is likely to have been made since. */
const IDS = [1, 2, 3, 4, 5, 6, 7, 8]
const THERE: Record<string, readonly (string | number)[]> = {
  project_name: ['library', 'a', 'fuzzed'],
  project_name_or_id: ['library', 'a', 'fuzzed', '2'],
  repository_name: ['0', 'team%2Fapp'],
  reference: ['latest'],
  tag_name: ['latest', 'more'],
  addition: ['build_history', 'readme.md', 'sbom'],
  meta_name: ['public', 'severity', 'auto_scan', 'reuse_sys_cve_allowlist'],
  ...Object.fromEntries(
    ['label_id', 'immutable_rule_id', 'mid', 'id', 'robot_id', 'user_id', 'group_id'].map((name) => [name, IDS]),
  ),
}

interface Parameter {
  name: string
  in: string
  schema: unknown
}

/** The document with paths that lead to something: else most of what is asked by chance is not there. */
function leading(document: string): string {
  return JSON.stringify(JSON.parse(document), (_key, value: Partial<Parameter> | undefined) => {
    const known = value?.in === 'path' ? THERE[value.name ?? ''] : undefined
    return known ? { ...value, schema: { enum: known } } : value
  })
}

/**
 * Asks everything the document of the Harbor API describes, as the administrator, who can neither be deleted nor
 * degraded, and holds every answer to the document: no failure of ours, no status, type, header or body it does not
 * describe. Half the time any path is asked, half the time those that lead to something. Meanwhile settings that would end all further asking are put back.
 */
export async function fuzzApi(suite: Suite, { python, home, seconds, seed }: FuzzWish): Promise<FuzzReport> {
  const api = Api.admin(suite)
  const served = (await api.must(200, 'GET', '/api/v2.0/openapi.json')).text
  let going = true
  const keeping = (async () => {
    while (going) {
      await api.call('PUT', '/api/v2.0/configurations', KEPT)
      await sleep(KEEP_MS)
    }
  })()
  const ask = async (document: string): Promise<RunResult> => {
    const file = join(home, 'openapi.json')
    await writeFile(file, document)
    return run(
      python,
      [
        ...['-m', 'schemathesis.cli', 'run', file],
        ...['--url', `${suite.url}/api/v2.0`, '--auth', `admin:${suite.adminPassword}`],
        ...['--checks', CHECKS.join(), '--continue-on-failure', '--suppress-health-check', 'all'],
        ...['--max-time', String(Math.ceil(seconds / 2)), '--seed', String(seed), '--workers', '2'],
        ...['--request-timeout', '30', '--output-sanitize', 'true'],
      ],
      { cwd: home, env: { HOME: home, LANG: 'C.UTF-8', NO_COLOR: '1' }, timeoutMs: (seconds + 300) * 1000 },
    )
  }
  try {
    const runs = [await ask(served), await ask(leading(served))]
    const output = runs.map((each) => each.output).join('\n')
    const calls = [...output.matchAll(/(\d+) generated/g)].reduce((sum, [, count]) => sum + Number(count), 0)
    return { isClean: runs.every(({ code }) => code === 0), calls, output }
  } finally {
    going = false
    await keeping
  }
}

/** What the fuzzer complains of; it prints whole source files in one line when it fails itself. */
export function complaintsIn(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => (line.length > MAX_LINE_CHARS ? `${line.slice(0, MAX_LINE_CHARS)}…` : line))
  const first = lines.findIndex((line) => /^=+ (?:ERRORS|FAILURES) =+$/.test(line))
  return lines.slice(Math.max(first, 0), Math.max(first, 0) + MAX_LINES).join('\n')
}
