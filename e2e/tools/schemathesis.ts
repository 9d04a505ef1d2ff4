import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runOk } from '../src/process.ts'
import { cacheDirectory, exists, makeOnce } from './cache.ts'

/**
 * Makes a Python environment with schemathesis and all it stands on at the versions of `schemathesis/requirements.txt`,
 * once, in the cache of the tools. Answers the path of its python: run it with `-m schemathesis.cli`, because the
 * programs of an environment do not survive its being moved.
 *
 * @throws {Error} when there is no Python that can make environments, or a package cannot be had
 */
export async function openSchemathesis(): Promise<string> {
  const requirements = join(import.meta.dirname, 'schemathesis', 'requirements.txt')
  const key = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 8)
  const home = join(await cacheDirectory(), `schemathesis-${key}`)
  const python = join(home, 'environment/bin/python')
  if (!(await exists(python))) {
    await makeOnce(home, async (work) => {
      const environment = join(work, 'environment')
      await runOk('python3', ['-m', 'venv', environment], { env: process.env })
      const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]
      await runOk(join(environment, 'bin/python'), install, { env: process.env, timeoutMs: 600_000 })
    })
  }
  await runOk(python, ['-m', 'schemathesis.cli', '--version'], { env: {} })
  return python
}
