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

/**
 * Asks everything the document of the Harbor API describes, as the administrator, who can neither be deleted nor
 * degraded, and holds every answer to the document: no failure of ours, no status, type, header or body it does not
 * describe. Meanwhile settings that would end all further asking are put back.
 */
export async function fuzzApi(suite: Suite, { python, home, seconds, seed }: FuzzWish): Promise<RunResult> {
  const api = Api.admin(suite)
  const document = join(home, 'openapi.json')
  await writeFile(document, (await api.must(200, 'GET', '/api/v2.0/openapi.json')).text)
  let going = true
  const keeping = (async () => {
    while (going) {
      await api.call('PUT', '/api/v2.0/configurations', KEPT)
      await sleep(KEEP_MS)
    }
  })()
  try {
    return await run(
      python,
      [
        ...['-m', 'schemathesis.cli', 'run', document],
        ...['--url', `${suite.url}/api/v2.0`, '--auth', `admin:${suite.adminPassword}`],
        ...['--checks', CHECKS.join(), '--continue-on-failure', '--suppress-health-check', 'all'],
        ...['--max-time', String(seconds), '--seed', String(seed), '--workers', '2'],
        ...['--request-timeout', '30', '--output-sanitize', 'true'],
      ],
      { cwd: home, env: { HOME: home, LANG: 'C.UTF-8', NO_COLOR: '1' }, timeoutMs: (seconds + 300) * 1000 },
    )
  } finally {
    going = false
    await keeping
  }
}
