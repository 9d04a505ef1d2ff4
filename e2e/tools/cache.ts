import { constants } from 'node:fs'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where tools are kept between runs, outside the clone. @throws {Error} when no place can be written to */
export async function cacheDirectory(): Promise<string> {
  const wanted = process.env.BERTH_E2E_CACHE
  const candidates = wanted ? [wanted] : ['/var/cache/berth-e2e', join(homedir(), '.cache', 'berth-e2e')]
  const refused: string[] = []
  for (const directory of candidates) {
    try {
      await mkdir(directory, { recursive: true })
      await access(directory, constants.W_OK)
      return directory
    } catch (err) {
      refused.push(`${directory}: ${err instanceof Error ? err.message : String(err)}`)
    }
  }
  throw new Error(`no place for the tools: ${refused.join('; ')}`)
}

/**
 * Makes `home` whole or not at all: `make` fills a directory beside it, which then gets its name. When somebody else
 * was faster, theirs is kept.
 */
export async function makeOnce(home: string, make: (work: string) => Promise<void>): Promise<void> {
  const work = await mkdtemp(`${home}.building-`)
  try {
    await make(work)
    await rename(work, home).catch(async (err: NodeJS.ErrnoException) => {
      if (err.code !== 'ENOTEMPTY' && err.code !== 'EEXIST') throw err
      await access(home)
    })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw err
  }
}
