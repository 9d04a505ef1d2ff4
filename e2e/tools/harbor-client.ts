import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDirectory, exists, makeOnce } from './cache.ts'
import { buildFrom } from './go.ts'

/**
 * Builds the program of `go-client` once, into the cache of the tools; it goes through a suite with Harbor's own Go
 * client. Answers its path.
 *
 * @throws {Error} when the client's module cannot be had or the program does not build
 */
export async function openHarborClient(): Promise<string> {
  const folder = join(import.meta.dirname, 'go-client')
  const hash = createHash('sha256')
  for (const name of (await readdir(folder)).toSorted()) hash.update(name).update(await readFile(join(folder, name)))
  const home = join(await cacheDirectory(), `harbor-client-${hash.digest('hex').slice(0, 8)}`)
  if (!(await exists(home))) await makeOnce(home, (work) => buildFrom(work, folder, '.'))
  return join(home, 'bin', 'harbor-client')
}
